// What people see: a page, the numbers behind it, the history, and the drain button.
#include <fmt/format.h>

#include "base/time.hpp"
#include "services/registry/handlers.hpp"
#include "wire/json/json.hpp"

namespace market::embedded {
std::string_view registry_document();
std::string_view registry_page();
std::string_view registry_script();
std::string_view registry_style();
}  // namespace market::embedded

namespace market::registry {
namespace {

using http::Method;
using http::Reply;
using http::Request;

constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri "
    "'none'; "
    "form-action 'none'; frame-ancestors 'none'";

Task<Reply> file(std::shared_ptr<const std::string> body, std::string_view type) {
  Reply reply;
  reply.content_type = type;
  reply.shared_body = std::move(body);
  reply.headers.push_back(http::Header{"Content-Security-Policy", std::string(page_policy)});
  co_return reply;
}

/// The page's own links begin at the root: one address for it is enough.
Task<Reply> to_dashboard() {
  Reply reply = empty_reply(http::Status::permanent_redirect);
  reply.headers.push_back(http::Header{"Location", "/registry"});
  co_return reply;
}

std::string shown_zone_of(const RegisteredInstance& instance) {
  std::string zone = zone_of(instance);
  return zone.empty() ? "defaultZone" : zone;
}

void write_instance(wire::JsonWriter& json, const RegisteredInstance& instance, std::int64_t now_ms) {
  const std::int64_t silent_ms = now_ms - instance.lease.renewed_ms;
  json.begin_object().member("app", instance.app).member("id", instance.key()).member("host", instance.host);
  json.member("port", instance.port.number).member("zone", shown_zone_of(instance));
  json.member("status", name_of(instance.status)).member("overriddenStatus", name_of(instance.overridden));
  const double silent_seconds = static_cast<double>(silent_ms) / 1000.0;
  json.key("secondsSinceHeartbeat").raw(fmt::format("{:.1f}", silent_seconds));
  json.member("renewalSeconds", instance.lease.renewal_seconds);
  json.member("durationSeconds", instance.lease.duration_seconds);
  json.member("late", silent_ms > instance.lease.renewal_seconds * 1500).end_object();
}

Task<Reply> state(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_reader(*context, request)) co_return std::move(*refusal);
  SharedRegistry& registry = context->registry;
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().key("instances").begin_array();
  Preservation preservation;
  std::uint64_t expected = 0;
  registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    leases.each([&](const RegisteredInstance& instance) { write_instance(json, instance, now_ms); });
    preservation = leases.preservation();
    expected = leases.expected_per_minute();
  });
  json.end_array().key("peers").begin_array();
  for (const auto& peer : context->peers.states()) {
    json.begin_object().member("url", peer.url).member("reached", peer.reached).member("sent", peer.sent);
    json.member("waiting", peer.waiting).member("errors", peer.errors).member("trouble", peer.trouble);
    json.end_object();
  }
  json.end_array().key("selfPreservation").begin_object().member("active", preservation.active);
  json.member("reason", preservation.reason).member("late", preservation.late).end_object();
  const RegistryCounts& counts = registry.counts();
  json.member("renewalsLastMinute", registry.renewals_last_minute()).member("expectedPerMinute", expected);
  json.member("registrations", counts.registrations.load());
  json.member("cancellations", counts.cancellations.load());
  json.member("evictions", counts.evictions.load()).member("refused", counts.refused.load());
  json.member("streams", registry.feed().readers()).end_object();
  co_return http::json(http::Status::ok, std::move(body));
}

Task<Reply> history(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_reader(*context, request)) co_return std::move(*refusal);
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().key("entries").begin_array();
  context->registry.with([&](LeaseRegistry& leases, std::int64_t) {
    const auto& entries = leases.history();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      json.begin_object().member("at", format_rfc3339(Instant(Millis(entry->at_ms))));
      json.member("app", entry->app).member("id", entry->id);
      json.member("what", entry->what).member("why", entry->why).end_object();
    }
  });
  json.end_array().end_object();
  co_return http::json(http::Status::ok, std::move(body));
}

/// The drain button: overrides, told to the peers as any other. An instance that registered itself out of
/// service has none that could be dropped, and its own word does not bring it back: so UP is set first.
Task<Reply> set_status(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_writer(*context, request)) co_return std::move(*refusal);
  const auto body = wire::parse_json(request.body);
  if (!body) co_return tl::unexpected(body.error());
  wire::ObjectReader reader(*body);
  const std::string app = upper(reader.text("app", 1, 1024));
  const std::string id = reader.text("id", 1, 1024);
  const auto status = parse_status(reader.text("status", 1, 32));
  if (!status)
    reader.refuse("status", "value", "status is none of UP, DOWN, STARTING, OUT_OF_SERVICE, UNKNOWN");
  if (const auto ok = reader.finish(); !ok) co_return tl::unexpected(ok.error());
  using What = wire::eureka::Replicated::What;
  const bool back = *status == Status::up;
  std::vector<What> steps;
  std::int64_t dirty_ms = 0;
  context->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    const std::string by = "the dashboard at " + std::string(request.remote_address);
    leases.look(app, id, [&](const RegisteredInstance& instance) {
      dirty_ms = instance.dirty_ms;
      if (!back || instance.status == Status::out_of_service) steps.push_back(What::status_update);
      if (back) steps.push_back(What::delete_override);
    });
    for (const What step : steps) {
      if (step == What::status_update)
        leases.override_status(app, id, *status, std::nullopt, now_ms, by);
      else
        leases.drop_override(app, id, status, std::nullopt, now_ms, by);
    }
  });
  if (steps.empty()) co_return fail(Code::not_found, "there is no such instance");
  for (const What step : steps) {
    wire::eureka::Replicated item;
    item.what = step;
    item.app = app;
    item.id = id;
    item.status = status;
    item.dirty_ms = dirty_ms;
    context->peers.tell(std::move(item));
  }
  co_return http::no_content();
}

}  // namespace

void add_dashboard_routes(http::Router& router, const HandlerContext& context) {
  const auto shared = std::make_shared<const HandlerContext>(context);
  router.take_any_query(true);
  const auto add_file = [&router](const char* path, std::string_view type, std::string_view bytes) {
    const auto body = std::make_shared<const std::string>(bytes);
    router.add(Method::get, path, [body, type](const Request&) { return file(body, type); });
  };
  add_file("/registry", "text/html; charset=utf-8", embedded::registry_page());
  router.add(Method::get, "/registry/", [](const Request&) { return to_dashboard(); });
  add_file("/registry/registry.js", "text/javascript; charset=utf-8", embedded::registry_script());
  add_file("/registry/openapi.json", http::json_type, embedded::registry_document());
  add_file("/registry/style.css", "text/css; charset=utf-8", embedded::registry_style());
  router.add(Method::get, "/registry/state", [shared](const Request& r) { return state(shared, r); });
  router.add(Method::get, "/registry/history", [shared](const Request& r) { return history(shared, r); });
  router.add(Method::post, "/registry/status", [shared](const Request& r) { return set_status(shared, r); });
  router.take_any_query(false);
}

}  // namespace market::registry
