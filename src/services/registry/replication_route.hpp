#pragma once
/// POST peerreplication/batch/: what another registry tells.

#include "services/registry/handlers.hpp"

namespace market::registry {

Task<http::Reply> take_batch(ContextPtr context, const http::Request& request);

}  // namespace market::registry
