#include "services/order/webhook_routes.hpp"

#include <algorithm>

#include "http/message/paging.hpp"
#include "services/auth/routes.hpp"
#include "services/order/feed_webhooks.hpp"
#include "wire/json/json.hpp"
#include "wire/json/json_writer.hpp"

namespace market::order {
namespace {

using http::Method;
using http::Reply;
using http::Request;

struct UseCases : WebhookParts {
  bool own = false;  ///< The caller's own alone.
};

/// Whose webhooks the caller may use; none: everybody's.
Result<UserId> owner_for(const UseCases& use, const Request& request) {
  const auto caller = use.own ? use.authenticator.require(request, {Role::seller, Role::admin})
                              : use.authenticator.require(request, {Role::admin});
  if (!caller) return fail(caller.error());
  return use.own ? caller->user : UserId{};
}

Error no_such_webhook() {
  return Error(Code::not_found, "there is no such webhook");
}

/// `with_secret`: shown once, to whoever made it.
void append_webhook(wire::JsonWriter& json, const Webhook& webhook, bool with_secret) {
  json.begin_object().member("id", webhook.id.text());
  json.member_or_null("sellerId", webhook.owner ? webhook.owner.text() : std::string());
  json.member("url", webhook.url);
  json.key("events").begin_array();
  for (const std::string& kind : webhook.events) json.value(kind);
  json.end_array().member("active", webhook.active);
  json.member("createdAt", format_rfc3339(webhook.created_at));
  if (with_secret) json.member("secret", webhook.secret);
  json.end_object();
}

void append_delivery(wire::JsonWriter& json, const Delivery& delivery) {
  const bool waits = delivery.state == DeliveryState::waiting;
  json.begin_object().member("id", delivery.id.text()).member("webhookId", delivery.webhook.text());
  json.member("eventId", delivery.event_id).member("type", delivery.kind);
  json.member_or_null("orderId", delivery.order ? delivery.order.text() : std::string());
  json.member("state", text_of(delivery.state)).member("attempts", delivery.attempts);
  json.key("status");
  if (delivery.status == 0)
    json.null();
  else
    json.value(delivery.status);
  json.member_or_null("reason", delivery.reason);
  json.member("createdAt", format_rfc3339(delivery.created_at));
  json.member_or_null("nextAttemptAt", waits ? format_rfc3339(delivery.next_at) : std::string());
  json.member_or_null("deliveredAt",
                      delivery.delivered_at ? format_rfc3339(*delivery.delivered_at) : std::string());
  json.member("payload", delivery.payload).end_object();
}

Reply webhook_reply(http::Status status, const Webhook& webhook, bool with_secret) {
  std::string body;
  wire::JsonWriter json(body);
  append_webhook(json, webhook, with_secret);
  return http::json(status, std::move(body));
}

Reply delivery_reply(http::Status status, const Delivery& delivery) {
  std::string body;
  wire::JsonWriter json(body);
  append_delivery(json, delivery);
  return http::json(status, std::move(body));
}

/// Events that there are, each once.
std::optional<std::vector<std::string>> read_events(wire::ObjectReader& reader) {
  if (!reader.has("events")) return std::nullopt;
  std::vector<std::string> events;
  const auto* given = reader.array("events", 0, webhook_kinds().size());
  if (given == nullptr) return std::nullopt;
  for (const auto& each : *given) {
    const std::string kind = each.is_string() ? std::string(each.get_string()) : std::string();
    const auto& known = webhook_kinds();
    if (std::find(known.begin(), known.end(), kind) == known.end())
      reader.refuse("events", "value", "must name events of orders, such as order.paid");
    else if (std::find(events.begin(), events.end(), kind) == events.end())
      events.push_back(kind);
  }
  return events;
}

/// `url` is required at the making.
Result<WebhookPatch> read_webhook(const UseCases& use, const Request& request, bool making) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  WebhookPatch patch;
  if (making || reader.has("url")) {
    patch.url = reader.text("url", 1, 2'000);
    const auto trouble = patch.url->empty() ? std::string() : use.sender.trouble_with(*patch.url);
    if (!trouble.empty()) reader.refuse("url", "value", trouble);
  }
  patch.events = read_events(reader);
  if (const auto* active = reader.member("active", false)) {
    if (active->is_bool())
      patch.active = active->get_bool();
    else
      reader.refuse("active", "type", "must be true or false");
  }
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return patch;
}

Task<Reply> list(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  const auto webhooks = co_await use.webhooks.list(*owner);
  if (!webhooks) co_return fail(webhooks.error());
  const auto key = [](const Webhook& webhook) { return webhook.id.text(); };
  const auto append = [](wire::JsonWriter& json, const Webhook& webhook) {
    append_webhook(json, webhook, false);
  };
  co_return http::held_list_reply(request, *webhooks, key, append);
}

Task<Reply> create(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  const auto wanted = read_webhook(use, request, true);
  if (!wanted) co_return fail(wanted.error());
  Webhook webhook;
  webhook.id = use.ids.next_as<WebhookId>();
  webhook.owner = *owner;
  webhook.url = *wanted->url;
  webhook.secret = use.sender.new_secret();
  webhook.events = wanted->events.value_or(std::vector<std::string>());
  webhook.active = wanted->active.value_or(true);
  webhook.created_at = use.clock.now();
  FollowedTo from;
  from.done = use.place();
  const auto made = co_await use.webhooks.create(webhook, from);
  if (!made) co_return fail(made.error());
  co_return webhook_reply(http::Status::created, webhook, true);
}

Task<Reply> show(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  const auto id = WebhookId::parse(request.parameters[0]);
  if (!id) co_return fail(no_such_webhook());
  const auto webhook = co_await use.webhooks.find(*id, *owner);
  if (!webhook) co_return fail(webhook.error());
  co_return webhook_reply(http::Status::ok, *webhook, false);
}

Task<Reply> change(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  const auto id = WebhookId::parse(request.parameters[0]);
  if (!id) co_return fail(no_such_webhook());
  auto patch = read_webhook(use, request, false);
  if (!patch) co_return fail(patch.error());
  const auto webhook = co_await use.webhooks.update(*id, *owner, std::move(*patch));
  if (!webhook) co_return fail(webhook.error());
  use.sending.poke();
  co_return webhook_reply(http::Status::ok, *webhook, false);
}

Task<Reply> remove(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto id = WebhookId::parse(request.parameters[0]);
  if (!id) co_return fail(no_such_webhook());
  const auto removed = co_await use.webhooks.remove(*id, *owner);
  if (!removed) co_return fail(removed.error());
  co_return http::no_content();
}

Task<Reply> renew_secret(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto id = WebhookId::parse(request.parameters[0]);
  if (!id) co_return fail(no_such_webhook());
  WebhookPatch patch;
  patch.secret = use.sender.new_secret();
  patch.previous_until = use.clock.now() + secret_overlap;
  const auto webhook = co_await use.webhooks.update(*id, *owner, std::move(patch));
  if (!webhook) co_return fail(webhook.error());
  co_return webhook_reply(http::Status::ok, *webhook, true);
}

struct DeliveryQuery {
  DeliveryFilter filter;
  int limit = 0;
};

Result<DeliveryQuery> read_query(const Request& request) {
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  DeliveryQuery query;
  query.limit = page->limit;
  const auto webhook = http::id_parameter<WebhookId>(request, "webhookId");
  if (!webhook) return fail(webhook.error());
  query.filter.webhook = *webhook;
  const auto state = request.query_parameter("state");
  if (!state) return fail(state.error());
  if (*state) {
    query.filter.state = parse_delivery_state(**state);
    if (!query.filter.state)
      return invalid_field("state", "value", "state must be waiting, delivered or failed");
  }
  const auto before = http::before_of<DeliveryId>(*page);
  if (!before) return fail(before.error());
  query.filter.before = *before;
  return query;
}

Task<Reply> list_deliveries(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  auto query = read_query(request);
  if (!query) co_return fail(query.error());
  query->filter.owner = *owner;
  auto found = co_await use.webhooks.deliveries(query->filter, query->limit + 1);
  if (!found) co_return fail(found.error());
  co_return http::page_reply(request, std::move(*found), query->limit, append_delivery);
}

Task<Reply> replay(UseCases& use, const Request& request) {
  const auto owner = owner_for(use, request);
  if (!owner) co_return fail(owner.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto id = DeliveryId::parse(request.parameters[0]);
  if (!id) co_return fail(Code::not_found, "there is no such delivery");
  const auto delivery = co_await use.webhooks.replay(*id, *owner, use.clock.now());
  if (!delivery) co_return fail(delivery.error());
  use.sending.poke();
  co_return delivery_reply(http::Status::ok, *delivery);
}

void add_routes(http::Router& router, const WebhookParts& parts, const std::string& base,
                auth::Access access) {
  const bool own = access != auth::Access::admins;
  auth::Routes routes(router, base, std::make_shared<UseCases>(UseCases{parts, own}), parts.authenticator);
  routes.add(Method::get, "/webhooks", access, list, {"limit", "cursor"});
  routes.add(Method::post, "/webhooks", access, create);
  routes.add(Method::get, "/webhooks/{id}", access, show);
  routes.add(Method::patch, "/webhooks/{id}", access, change);
  routes.add(Method::del, "/webhooks/{id}", access, remove);
  routes.add(Method::post, "/webhooks/{id}/secret", access, renew_secret);
  routes.add(Method::get, "/webhook-deliveries", access, list_deliveries,
             {"limit", "cursor", "webhookId", "state"});
  routes.add(Method::post, "/webhook-deliveries/{id}/replay", access, replay);
}

}  // namespace

void add_webhook_routes(http::Router& router, const WebhookParts& parts) {
  add_routes(router, parts, "/api/v1/admin", auth::Access::admins);
  add_routes(router, parts, "/api/v1/seller", auth::Access::sellers);
}

}  // namespace market::order
