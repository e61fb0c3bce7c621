#include "services/gateway/cors.hpp"

#include <algorithm>

namespace market::gateway {
namespace {

/// The origin when it is allowed; `null` (sandboxed pages, local files) never is.
std::string_view allowed_origin(const CorsPolicy& policy, const http::Request& request) {
  const auto origin = request.only_header("Origin").value_or(std::string_view());
  if (origin == "null") return {};
  const bool listed = std::find(policy.origins.begin(), policy.origins.end(), origin) != policy.origins.end();
  return listed ? origin : std::string_view();
}

}  // namespace

bool is_preflight(const http::Request& request) {
  return request.method == http::Method::options && request.has_header("origin") &&
         request.has_header("access-control-request-method");
}

http::Reply preflight_answer(const CorsPolicy& policy, const http::Request& request) {
  http::Reply reply = http::no_content();
  add_cors_fields(reply, policy, request);
  reply.has_origins = true;
  return reply;
}

void add_cors_fields(http::Reply& reply, const CorsPolicy& policy, const http::Request& request) {
  reply.headers.push_back({"Vary", "Origin"});
  const auto origin = allowed_origin(policy, request);
  if (origin.empty()) return;
  reply.headers.push_back({"Access-Control-Allow-Origin", std::string(origin)});
  if (is_preflight(request)) {
    reply.headers.push_back({"Access-Control-Allow-Methods", policy.methods});
    reply.headers.push_back({"Access-Control-Allow-Headers", policy.headers});
    reply.headers.push_back({"Access-Control-Max-Age", std::to_string(policy.max_age_seconds)});
    return;
  }
  if (!policy.exposed.empty()) reply.headers.push_back({"Access-Control-Expose-Headers", policy.exposed});
}

}  // namespace market::gateway
