#pragma once
/// What a process of `market serve` does.

#include <cstdint>
#include <string>
#include <vector>

namespace market::apps {

/// `services`: user, product and order, all of them or some; see services_of().
enum class ServeRole : std::uint8_t { all, gateway, registry, services };

/// The services that one process answers for. All three may share one embedded store; fewer share a log and
/// databases with other processes.
struct Services {
  bool user = false, product = false, order = false;

  bool all() const { return user && product && order; }
  bool follow_log() const { return product || order; }
  /// As they are registered: market-user …
  std::vector<std::string> names() const;
};

/// `--role`: names with commas. Throws UsageError: an empty, unknown or repeated name, or names that cannot
/// be one process.
ServeRole parse_role(const std::string& text);
/// Of a role that is `all` or `services`.
Services services_of(const std::string& text);

}  // namespace market::apps
