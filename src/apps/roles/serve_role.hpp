#pragma once
/// What a process of `market serve` does.

#include <cstdint>
#include <string>

namespace market::apps {

/// User, product and order share one embedded store, so they are one process.
enum class ServeRole : std::uint8_t { all, gateway, registry, services };

/// `--role`: names with commas. Throws UsageError: an empty, unknown or repeated name, or names that cannot
/// be one process.
ServeRole parse_role(const std::string& text);

}  // namespace market::apps
