#pragma once
/// `[[gateway.routes]]` of the settings file; docs/gateway.md has every member.

#include "apps/settings/toml_reader.hpp"
#include "services/gateway/route.hpp"

namespace market::apps {

/// `at_home`: the market's own services are this process. Throws UsageError.
std::vector<gateway::Route> read_routes(const toml::node& routes, bool at_home = false);

/// `https://host[:port]` each, never `*` or `null`. Throws UsageError.
void check_origins(const std::vector<std::string>& origins, const std::string& where);

}  // namespace market::apps
