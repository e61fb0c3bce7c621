#pragma once
/// `market serve --role gateway`: routes to the services of a registry or of the settings. Keeps no data.

#include "apps/commands.hpp"
#include "ports/discovery.hpp"

namespace market::apps {

/// `registry` may be null: then only [gateway.services] and routes with a `uri` lead anywhere.
int serve_gateway(const ServeOptions& options, const Discovery* registry);

}  // namespace market::apps
