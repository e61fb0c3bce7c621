#pragma once
/// `market serve --role registry`: the Eureka registry as a process of its own. It keeps nothing on disk.

#include "apps/commands/commands.hpp"
#include "apps/settings/settings.hpp"

namespace market::apps {

int serve_registry(const ServeOptions& options, const Settings& settings);

}  // namespace market::apps
