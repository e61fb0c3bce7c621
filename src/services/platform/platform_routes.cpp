#include "services/platform/platform_routes.hpp"

#include "http/message/problem.hpp"
#include "services/platform/api_docs.hpp"
#include "services/platform/problem_pages.hpp"
#include "services/platform/web_pages.hpp"
#include "wire/json/json_writer.hpp"

namespace market::platform {
namespace {

using http::Method;
using http::Reply;
using http::Request;

Task<Reply> live() {
  co_return http::json(http::Status::ok, R"({"status":"live"})");
}

/// What is missing takes nothing from those who need something else: it is told, and no reason to be passed
/// by.
void add_texts(wire::JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const auto& text : texts) json.value(text);
  json.end_array();
}

std::string ready_text(const PlatformInfo& info) {
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().member("status", "ready");
  if (info.warnings) add_texts(json, "warnings", info.warnings());
  if (info.missing) add_texts(json, "missing", info.missing());
  json.end_object();
  return body;
}

Task<Reply> ready(const PlatformInfo& info, const Request& request) {
  const auto reason = info.not_ready ? info.not_ready() : std::nullopt;
  if (!reason) co_return http::json(http::Status::ok, ready_text(info));
  Reply reply = http::status_problem(http::Status::unavailable, *reason, request.trace_id);
  reply.headers.push_back(http::Header{"Retry-After", "1"});
  co_return reply;
}

Reply metrics_reply(const PlatformInfo& info) {
  Reply reply;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  if (info.metrics) reply.body = info.metrics();
  return reply;
}

Task<Reply> metrics(const PlatformInfo& info) {
  co_return metrics_reply(info);
}

using Check = std::function<Result<>(const Request&)>;

Task<Reply> operator_metrics(const PlatformInfo& info, const Check& check, const Request& request) {
  if (const auto allowed = check(request); !allowed) co_return fail(allowed.error());
  co_return metrics_reply(info);
}

Task<Reply> operator_services(const PlatformInfo& info, const Check& check, const Request& request) {
  if (const auto allowed = check(request); !allowed) co_return fail(allowed.error());
  co_return http::json(http::Status::ok, info.services ? info.services() : std::string("{}"));
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

void add_operator_routes(http::Router& router, const PlatformInfo& info, const Check& check) {
  const auto shared = std::make_shared<const PlatformInfo>(info);
  http::RouteOptions operators;
  operators.head_check = check;
  router.add(
      Method::get, "/api/v1/admin/metrics",
      [shared, check](const Request& r) { return operator_metrics(*shared, check, r); }, operators);
  router.add(
      Method::get, "/api/v1/admin/services",
      [shared, check](const Request& r) { return operator_services(*shared, check, r); }, operators);
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
  add_docs_routes(router);
  add_problem_pages(router);
  router.take_any_query(true);  // Pages: whoever links to one may add what he likes.
  if (info.home.empty())
    add_web_routes(router);
  else
    router.add(Method::get, "/", [home = info.home](const Request&) { return lead_to(home); });
  router.take_any_query(false);
}

}  // namespace market::platform
