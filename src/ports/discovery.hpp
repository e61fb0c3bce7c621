#pragma once
/// Which instances of which services there are, as a registry or the settings say. The gateway reads it at
/// every request, so that it must be a look at memory.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace market {

enum class InstanceStatus : std::uint8_t { up, down, starting, out_of_service, unknown };

struct ServiceInstance {
  std::string service;  ///< Lower-case vip or application name.
  std::string id, host;
  std::uint16_t port = 0;
  InstanceStatus status = InstanceStatus::up;
  std::string zone;         ///< Empty: unknown.
  bool registered = false;  ///< It named its host itself; false: the operator did.
  std::map<std::string, std::string> metadata;
};

struct ServiceList {
  std::uint64_t version = 0;
  std::map<std::string, std::vector<ServiceInstance>> services;  ///< By service.
};

class Discovery {
 public:
  virtual ~Discovery() = default;
  /// Any thread, never blocks; the last known list, perhaps empty.
  virtual std::shared_ptr<const ServiceList> services() const = 0;
};

}  // namespace market
