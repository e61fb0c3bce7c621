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
  std::string address;  ///< Called when the host's name does not resolve; may be empty.
  std::uint16_t port = 0;
  InstanceStatus status = InstanceStatus::up;
  std::string zone;         ///< Empty: unknown.
  bool registered = false;  ///< It named its host itself; false: the operator did.
  std::string health_path;  ///< What it asks to be probed at; empty: nothing.
};

struct ServiceList {
  std::uint64_t version = 0;
  std::map<std::string, std::vector<ServiceInstance>> services;  ///< By service.
  std::size_t instances = 0;                                     ///< Each once, whatever its names.
  /// Services with instances that nobody here can call, as `name: why`; without addresses.
  std::vector<std::string> left_out;
};

class Discovery {
 public:
  virtual ~Discovery() = default;
  /// Any thread, never blocks; the last known list, perhaps empty.
  virtual std::shared_ptr<const ServiceList> services() const = 0;
};

}  // namespace market
