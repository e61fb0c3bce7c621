#pragma once
/// `market serve --role gateway`: routes to the services of a registry or of the settings. Keeps no data.

#include "apps/commands/commands.hpp"
#include "apps/settings/settings.hpp"

namespace market::apps {

int serve_gateway(const ServeOptions& options, const Settings& settings);

}  // namespace market::apps
