#pragma once
/// An instance of a service as Eureka's registry knows it. Texts that are empty are absent on the wire.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace market::registry {

enum class Status : std::uint8_t { up, down, starting, out_of_service, unknown };
std::string_view name_of(Status status);
std::optional<Status> parse_status(std::string_view name);

enum class Action : std::uint8_t { added, modified, deleted };
std::string_view name_of(Action action);

struct Port {
  std::int64_t number = 0;
  bool enabled = true;
};

/// Milliseconds since 1970, as the wire has them.
struct LeaseInfo {
  std::int64_t renewal_seconds = 30, duration_seconds = 90;
  std::int64_t registered_ms = 0, renewed_ms = 0, evicted_ms = 0, up_ms = 0;
};

struct Instance {
  std::string id;  ///< May be absent: the host name is the key then.
  std::string host, app, ip;
  std::string sid, app_group, asg;
  std::string home_page_url, status_page_url, health_check_url, secure_health_check_url;
  std::string vip, secure_vip;
  Status status = Status::up, overridden = Status::unknown;
  Port port{7001, true}, secure_port{7002, false};
  std::string data_center_class = "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo";
  std::string data_center = "MyOwn";
  std::map<std::string, std::string> data_center_metadata;
  LeaseInfo lease;
  std::map<std::string, std::string> metadata;
  bool coordinating = false;
  std::int64_t updated_ms = 0, dirty_ms = 0;
  Action action = Action::added;

  const std::string& key() const { return id.empty() ? host : id; }
};

using InstancePtr = std::shared_ptr<const Instance>;

inline constexpr std::size_t metadata_entries_max = 256;
inline constexpr std::size_t metadata_bytes_max = 32 * 1024;  ///< Keys and values together.
/// Every client of the registry keeps every instance's. Errors: payload_too_large, with the limit's name.
Result<> check_metadata(const std::map<std::string, std::string>& metadata);

/// `zone` of its metadata, as Spring Cloud has it, or Amazon's availability zone; empty: unknown.
std::string zone_of(const Instance& instance);

/// ASCII upper case: the registry's form of an application's name.
std::string upper(std::string_view text);

}  // namespace market::registry
