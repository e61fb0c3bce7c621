#include "services/order/feed_webhooks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "services/order/order_mail.hpp"
#include "wire/json/json_writer.hpp"
#include "wire/json/order_view.hpp"

namespace market::order {
namespace {

std::string payload_of(const CountedEvent& counted, const std::string& id, const std::string& kind,
                       const Order& order, const ProductBoard& board) {
  std::string page;
  wire::append_order(page, order, [&board](ProductId product, std::int64_t version) {
    return board.name_of(product, version);
  });
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().member("type", kind).member("timestamp", format_rfc3339(counted.event.at));
  json.member("id", id).member("place", counted.place).key("data").begin_object();
  json.member("userId", order.user.text()).key("order").raw(page).end_object().end_object();
  return body;
}

}  // namespace

const std::vector<std::string>& webhook_kinds() {
  static const std::vector<std::string> all{"order.accepted", "order.paid",        "order.payment_declined",
                                            "order.expired",  "order.cancelled",   "order.preparing",
                                            "order.shipped",  "order.delivered",   "order.return_requested",
                                            "order.returned", "order.refund_owed", "order.refunded"};
  return all;
}

Task<std::vector<LogEffect::Follower>> FeedWebhooks::followers() {
  auto feeds = co_await webhooks_.feeds();
  if (!feeds) co_return fail(feeds.error());
  feeds_ = std::move(*feeds);
  std::vector<Follower> all;
  for (const Webhooks::Feed& feed : feeds_) all.push_back(Follower{feed.id.value, feed.at});
  co_return all;
}

bool FeedWebhooks::wants(std::int64_t webhook, const std::string& kind) const {
  const auto feed = std::find_if(feeds_.begin(), feeds_.end(),
                                 [webhook](const Webhooks::Feed& each) { return each.id.value == webhook; });
  if (kind.empty() || feed == feeds_.end()) return false;
  return feed->events.empty() ||
         std::find(feed->events.begin(), feed->events.end(), kind) != feed->events.end();
}

Task<std::optional<Delivery>> FeedWebhooks::delivery_of(WebhookId webhook, const CountedEvent& counted,
                                                        const LogId& log, std::string kind) {
  const OrderId id = order_of(counted.event.fact);
  const auto order = co_await orders_.find(user_of(counted.event.fact), id);
  if (!order && order.error().code == Code::order_not_found) co_return std::optional<Delivery>();
  if (!order) co_return fail(order.error());
  Delivery delivery;
  delivery.id = ids_.next_as<DeliveryId>();
  delivery.webhook = webhook;
  delivery.event_id = fmt::format("evt_{:016x}{:016x}_{}_{}", log.hi, log.lo, log.generation, counted.place);
  delivery.order = id;
  delivery.payload = payload_of(counted, delivery.event_id, kind, **order, board_);
  delivery.kind = std::move(kind);
  delivery.created_at = delivery.next_at = clock_.now();
  co_return std::optional<Delivery>(std::move(delivery));
}

Task<> FeedWebhooks::take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) {
  const WebhookId webhook{follower};
  std::vector<Delivery> deliveries;
  for (const CountedEvent& counted : events) {
    std::string kind = order_kind_of(counted.event.fact);
    if (!wants(follower, kind)) continue;
    auto made = co_await delivery_of(webhook, counted, to.log, std::move(kind));
    if (!made) co_return fail(made.error());
    if (*made) deliveries.push_back(std::move(**made));
  }
  const bool some = !deliveries.empty();
  const auto added = co_await webhooks_.add(webhook, std::move(deliveries), to);
  if (!added) co_return fail(added.error());
  if (some) added_();
  co_return Result<>();
}

}  // namespace market::order
