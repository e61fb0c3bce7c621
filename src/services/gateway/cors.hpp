#pragma once
/// Cross-origin requests of browsers: an exact list of origins, and nobody else learns anything.

#include "http/message/message.hpp"
#include "services/gateway/route.hpp"

namespace market::gateway {

/// OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const http::Request& request);
http::Reply preflight_answer(const CorsPolicy& policy, const http::Request& request);
/// `Vary: Origin` always; the Access-Control fields for an origin of the list, nothing for another: the
/// browser then refuses by itself.
void add_cors_fields(http::Reply& reply, const CorsPolicy& policy, const http::Request& request);

}  // namespace market::gateway
