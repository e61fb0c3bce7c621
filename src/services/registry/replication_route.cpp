#include "services/registry/replication_route.hpp"

namespace market::registry {
namespace {

using wire::eureka::Replicated;
using wire::eureka::ReplicationAnswer;

/// Netflix's server answers 200 to every registration that it can read.
int enroll_from_peer(SharedRegistry& registry, LeaseRegistry& leases, const Replicated& item,
                     std::int64_t now_ms) {
  if (!registry.admit(item.instance.value_or(RegisteredInstance())) || item.instance->app != item.app)
    return 400;
  return leases.enroll(*item.instance, Source::peer, now_ms, "a peer") ? 200 : 503;
}

ReplicationAnswer carry_out(SharedRegistry& registry, LeaseRegistry& leases, const Replicated& item,
                            std::int64_t now_ms) {
  using enum Replicated::What;
  constexpr std::string_view by = "a peer";
  ReplicationAnswer answer;
  bool known = true;
  switch (item.what) {
    case enroll:
      answer.status = enroll_from_peer(registry, leases, item, now_ms);
      return answer;
    case heartbeat: {
      const Renewal renewal{item.dirty_ms, item.overridden, Source::peer};
      const Renewed renewed = leases.renew(item.app, item.id, renewal, now_ms);
      known = renewed != Renewed::unknown;
      if (known) registry.renewed();
      if (renewed == Renewed::conflict) answer.instance = leases.find(item.app, item.id, now_ms);
      break;
    }
    case cancel:
      known = leases.cancel(item.app, item.id, now_ms, by);
      break;
    case status_update:
      known =
          item.status && leases.override_status(item.app, item.id, *item.status, item.dirty_ms, now_ms, by);
      break;
    case delete_override:
      known = leases.drop_override(item.app, item.id, item.status, item.dirty_ms, now_ms, by);
      break;
    case unreadable:  // Netflix's server: what it cannot dispatch is 500, and the others are carried out.
      answer.status = 500;
      return answer;
  }
  answer.status = answer.instance ? 409 : known ? 200 : 404;
  return answer;
}

}  // namespace

Task<http::Reply> take_batch(ContextPtr context, const http::Request& request) {
  if (auto refusal = refuse_writer(*context, request)) co_return std::move(*refusal);
  if (request.header("Content-Type").find("json") == std::string_view::npos)
    co_return empty_reply(http::Status::unsupported_media_type);
  const auto batch = wire::eureka::parse_json_batch(request.body);
  if (!batch) co_return empty_reply(http::Status::bad_request);
  SharedRegistry& registry = context->registry;
  const auto answers = registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    std::vector<ReplicationAnswer> all;
    for (const Replicated& item : *batch) all.push_back(carry_out(registry, leases, item, now_ms));
    return all;
  });
  co_return http::json(http::Status::ok, wire::eureka::json_batch_answer(answers));
}

}  // namespace market::registry
