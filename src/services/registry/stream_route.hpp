#pragma once
/// GET /eureka/stream: a `list` event with everything, then one `change` event for each change. Our own
/// services learn of a change in milliseconds; Java clients go on polling.

#include "services/registry/handlers.hpp"

namespace market::registry {

Task<http::Reply> open_stream(ContextPtr context, const http::Request& request);

}  // namespace market::registry
