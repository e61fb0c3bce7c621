// What people see: a page, the numbers behind it, the history, and the drain button.
#include <fmt/format.h>

#include "base/time.hpp"
#include "services/registry/door.hpp"
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
using Doors = std::shared_ptr<const RegistryDoors>;

constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri "
    "'none'; "
    "form-action 'none'; frame-ancestors 'none'";

std::string quoted(std::string_view text) {
  std::string out;
  wire::append_json_string(out, text);
  return out;
}

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

std::string shown_zone_of(const Instance& instance) {
  std::string zone = zone_of(instance);
  return zone.empty() ? "defaultZone" : zone;
}

void append_instance(std::string& out, const Instance& instance, std::int64_t now_ms) {
  const std::int64_t silent_ms = now_ms - instance.lease.renewed_ms;
  const bool late = silent_ms > instance.lease.renewal_seconds * 1500;
  if (out.back() != '[') out += ',';
  out +=
      fmt::format(R"({{"app":{},"id":{},"host":{},"port":{},"zone":{},"status":"{}","overriddenStatus":"{}",)"
                  R"("secondsSinceHeartbeat":{:.1f},"renewalSeconds":{},"durationSeconds":{},"late":{}}})",
                  quoted(instance.app), quoted(instance.key()), quoted(instance.host), instance.port.number,
                  quoted(shown_zone_of(instance)), name_of(instance.status), name_of(instance.overridden),
                  static_cast<double>(silent_ms) / 1000.0, instance.lease.renewal_seconds,
                  instance.lease.duration_seconds, late);
}

Task<Reply> state(Doors doors) {
  SharedRegistry& registry = doors->registry;
  std::string instances = "[";
  Preservation preservation;
  std::uint64_t expected = 0;
  registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    leases.each([&](const Instance& instance) { append_instance(instances, instance, now_ms); });
    preservation = leases.preservation();
    expected = leases.expected_per_minute();
  });
  std::string peers = "[";
  for (const auto& peer : doors->peers.states()) {
    if (peers.back() != '[') peers += ',';
    peers += fmt::format(R"({{"url":{},"reached":{},"sent":{},"waiting":{},"errors":{},"trouble":{}}})",
                         quoted(peer.url), peer.reached, peer.sent, peer.waiting, peer.errors,
                         quoted(peer.trouble));
  }
  const RegistryCounts& counts = registry.counts();
  co_return http::json(
      http::Status::ok,
      fmt::format(R"({{"instances":{}],"peers":{}],"selfPreservation":{{"active":{},"reason":{},"late":{}}},)"
                  R"("renewalsLastMinute":{},"expectedPerMinute":{},"registrations":{},"cancellations":{},)"
                  R"("evictions":{},"refused":{},"streams":{}}})",
                  instances, peers, preservation.active, quoted(preservation.reason), preservation.late,
                  registry.renewals_last_minute(), expected, counts.registrations.load(),
                  counts.cancellations.load(), counts.evictions.load(), counts.refused.load(),
                  registry.feed().readers()));
}

Task<Reply> history(Doors doors) {
  std::string text = R"({"entries":[)";
  doors->registry.with([&](LeaseRegistry& leases, std::int64_t) {
    const auto& entries = leases.history();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if (text.back() != '[') text += ',';
      text += fmt::format(R"({{"at":"{}","app":{},"id":{},"what":{},"why":{}}})",
                          format_rfc3339(Instant(Millis(entry->at_ms))), quoted(entry->app),
                          quoted(entry->id), quoted(entry->what), quoted(entry->why));
    }
  });
  co_return http::json(http::Status::ok, text + "]}");
}

/// The drain button: an override, told to the peers as any other.
Task<Reply> set_status(Doors doors, const Request& request) {
  if (auto refusal = refuse_writer(*doors, request)) co_return std::move(*refusal);
  const auto body = wire::parse_json(request.body);
  if (!body) co_return tl::unexpected(body.error());
  wire::ObjectReader reader(*body);
  const std::string app = upper(reader.text("app", 1, 1024));
  const std::string id = reader.text("id", 1, 1024);
  const auto status = parse_status(reader.text("status", 1, 32));
  if (!status)
    reader.refuse("status", "value", "status is none of UP, DOWN, STARTING, OUT_OF_SERVICE, UNKNOWN");
  if (const auto ok = reader.finish(); !ok) co_return tl::unexpected(ok.error());
  const bool back = *status == Status::up;
  wire::eureka::Replicated item;
  item.what =
      back ? wire::eureka::Replicated::What::delete_override : wire::eureka::Replicated::What::status_update;
  item.app = app;
  item.id = id;
  item.status = status;
  const bool known = doors->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    const std::string by = "the dashboard at " + std::string(request.remote_address);
    const bool done = back ? leases.drop_override(app, id, status, std::nullopt, now_ms, by)
                           : leases.override_status(app, id, *status, std::nullopt, now_ms, by);
    leases.look(app, id, [&](const Instance& instance) { item.dirty_ms = instance.dirty_ms; });
    return done;
  });
  if (!known) co_return fail(Code::not_found, "there is no such instance");
  doors->peers.tell(std::move(item));
  co_return http::no_content();
}

}  // namespace

void add_dashboard_routes(http::Router& router, const RegistryDoors& doors) {
  const auto shared = std::make_shared<const RegistryDoors>(doors);
  const auto add_file = [&router](const char* path, std::string_view type, std::string_view bytes) {
    const auto body = std::make_shared<const std::string>(bytes);
    router.add(Method::get, path, [body, type](const Request&) { return file(body, type); });
  };
  add_file("/registry", "text/html; charset=utf-8", embedded::registry_page());
  router.add(Method::get, "/registry/", [](const Request&) { return to_dashboard(); });
  add_file("/registry/registry.js", "text/javascript; charset=utf-8", embedded::registry_script());
  add_file("/registry/openapi.json", http::json_type, embedded::registry_document());
  add_file("/registry/style.css", "text/css; charset=utf-8", embedded::registry_style());
  router.add(Method::get, "/registry/state", [shared](const Request&) { return state(shared); });
  router.add(Method::get, "/registry/history", [shared](const Request&) { return history(shared); });
  router.add(Method::post, "/registry/status", [shared](const Request& r) { return set_status(shared, r); });
}

}  // namespace market::registry
