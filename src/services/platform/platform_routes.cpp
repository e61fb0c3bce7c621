#include "services/platform/platform_routes.hpp"

#include "http/message/problem.hpp"
#include "services/platform/api_docs.hpp"
#include "wire/json/json_writer.hpp"

namespace market::platform {
namespace {

using http::Method;
using http::Reply;
using http::Request;

Task<Reply> live() {
  co_return http::json(http::Status::ok, R"({"status":"live"})");
}

Task<Reply> ready(const PlatformInfo& info, const Request& request) {
  const auto reason = info.not_ready ? info.not_ready() : std::nullopt;
  if (!reason) {
    std::string body;
    wire::JsonWriter json(body);
    json.begin_object().member("status", "ready");
    const auto warnings = info.warnings ? info.warnings() : std::vector<std::string>();
    if (!warnings.empty()) {
      json.key("warnings").begin_array();
      for (const auto& warning : warnings) json.value(warning);
      json.end_array();
    }
    json.end_object();
    co_return http::json(http::Status::ok, std::move(body));
  }
  Reply reply = http::status_problem(http::Status::unavailable, *reason, request.trace_id);
  reply.headers.push_back(http::Header{"Retry-After", "1"});
  co_return reply;
}

Task<Reply> metrics(const PlatformInfo& info) {
  Reply reply;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  if (info.metrics) reply.body = info.metrics();
  co_return reply;
}

Task<Reply> about(const PlatformInfo& info) {
  co_return http::json(http::Status::ok, info.info ? info.info() : std::string("{}"));
}

}  // namespace

void add_management_routes(http::Router& router, const PlatformInfo& info, http::RouteOptions options) {
  const auto shared = std::make_shared<const PlatformInfo>(info);
  router.add(
      Method::get, "/metrics", [shared](const Request&) { return metrics(*shared); }, options);
  router.add(
      Method::get, "/info", [shared](const Request&) { return about(*shared); }, options);
}

void add_health_routes(http::Router& router, const PlatformInfo& info) {
  const auto shared = std::make_shared<const PlatformInfo>(info);
  router.add(Method::get, "/health/live", [](const Request&) { return live(); });
  router.add(Method::get, "/health/ready", [shared](const Request& r) { return ready(*shared, r); });
}

void add_service_routes(http::Router& router, const PlatformInfo& info) {
  add_health_routes(router, info);
  http::RouteOptions inside;
  inside.loopback_only = true;
  if (!info.management_elsewhere) add_management_routes(router, info, inside);
}

void add_platform_routes(http::Router& router, const PlatformInfo& info) {
  add_service_routes(router, info);
  add_docs_routes(router, info.home);
}

}  // namespace market::platform
