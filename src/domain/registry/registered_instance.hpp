#pragma once
/// An instance of a service as it has registered itself. Optional texts are absent on the wire; an empty one
/// was sent, and is sent back.

#include <cstdint>
#include <map>
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

using Metadata = std::map<std::string, std::string>;

/// What Java's clients know: a class of theirs, with the names and members that this class can read.
struct DataCenter {
  static constexpr std::string_view default_class = "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo";
  static constexpr std::string_view amazon_class = "com.netflix.appinfo.AmazonInfo";
  std::string java_class{default_class};
  std::string name = "MyOwn";
  std::optional<Metadata> metadata;  ///< Amazon's alone.
};

struct RegisteredInstance {
  std::optional<std::string> id;
  std::string host, app, ip;
  std::optional<std::string> sid, app_group, asg;
  std::optional<std::string> home_page_url, status_page_url, health_check_url, secure_health_check_url;
  std::optional<std::string> vip, secure_vip;
  Status status = Status::up, overridden = Status::unknown;
  Port port{7001, true}, secure_port{7002, false};
  DataCenter data_center;
  LeaseInfo lease;
  Metadata metadata;
  bool coordinating = false;
  std::int64_t updated_ms = 0, dirty_ms = 0;
  Action action = Action::added;

  /// The id; without one Amazon's `instance-id`, else the host's name.
  const std::string& key() const;
};

inline constexpr std::size_t metadata_entries_max = 256;
inline constexpr std::size_t metadata_bytes_max = 32 * 1024;  ///< Keys and values together.
/// Every client of the registry keeps every instance's. Errors: payload_too_large, with the limit's name.
Result<> check_metadata(const Metadata& metadata);

/// What keeping and sending it takes at most, in bytes: its texts as the wordiest format escapes them.
std::size_t cost_of(const RegisteredInstance& instance);

/// `zone` of its metadata, as Spring Cloud has it, or Amazon's availability zone; empty: unknown.
std::string zone_of(const RegisteredInstance& instance);

/// ASCII upper case: the registry's form of an application's name.
std::string upper(std::string_view text);

}  // namespace market::registry
