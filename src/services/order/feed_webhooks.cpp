#include "services/order/feed_webhooks.hpp"

#include <algorithm>

#include "services/order/order_mail.hpp"
#include "wire/json/json_writer.hpp"
#include "wire/json/order_view.hpp"
#include "wire/json/public_event.hpp"

namespace market::order {
namespace {

/// A seller is told what the order is for him: neither others' lines nor whose it is.
std::string payload_of(const CountedEvent& counted, const std::string& id, const std::string& kind,
                       const Order& order, bool whole, const ProductBoard& board) {
  std::string page;
  wire::append_order(page, order, [&board](ProductId product, std::int64_t version) {
    return board.name_of(product, version);
  });
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().member("type", kind).member("timestamp", format_rfc3339(counted.event.at));
  json.member("id", id).member("place", counted.place).key("data").begin_object();
  if (whole) json.member("userId", order.user.text());
  json.key("order").raw(page).end_object().end_object();
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
  if (places_.size() > known_places_max) places_.clear();
  for (const Webhooks::Feed& feed : feeds_) {
    At& known = places_.try_emplace(feed.id, At{feed.at, feed.at, feed.events}).first->second;
    if (known.stored != feed.at) known = At{feed.at, feed.at, feed.events};
    if (known.events != feed.events) {
      // What it did not want then it is not told by a start that reads from the stored place again.
      std::vector<Delivery> none;
      const auto stored = co_await webhooks_.add(feed.id, std::move(none), known.to);
      if (!stored) co_return fail(stored.error());
      known = At{known.to, known.to, feed.events};
    }
    all.push_back(Follower{feed.id.value, known.to});
  }
  co_return all;
}

const Webhooks::Feed* FeedWebhooks::feed_of(std::int64_t webhook) const {
  const auto feed = std::find_if(feeds_.begin(), feeds_.end(),
                                 [webhook](const Webhooks::Feed& each) { return each.id.value == webhook; });
  return feed == feeds_.end() ? nullptr : &*feed;
}

UserId FeedWebhooks::seller_of(ProductId product) const {
  const ShownProduct* shown = board_.find(product);
  return shown == nullptr ? UserId{} : shown->terms.seller;
}

const FeedWebhooks::Sellers& FeedWebhooks::note_sellers(OrderId order, const OrderLines& lines) {
  if (sellers_.size() >= known_sellers_max) sellers_.clear();
  Sellers sellers;
  for (const OrderLine& line : lines) sellers.push_back(seller_of(line.product));
  return sellers_[order] = std::move(sellers);
}

const FeedWebhooks::Sellers* FeedWebhooks::sellers_of(const CountedEvent& counted) {
  const OrderId order = order_of(counted.event.fact);
  if (const auto known = sellers_.find(order); known != sellers_.end()) return &known->second;
  const auto* accepted = std::get_if<OrderAccepted>(&counted.event.fact);
  return accepted == nullptr ? nullptr : &note_sellers(order, accepted->lines);
}

Task<std::optional<Delivery>> FeedWebhooks::delivery_of(const Webhooks::Feed& feed,
                                                        const CountedEvent& counted, const LogId& log,
                                                        std::string kind) {
  const auto is_concerned = [&feed](const Sellers& sellers) {
    return !feed.owner || std::find(sellers.begin(), sellers.end(), feed.owner) != sellers.end();
  };
  if (const Sellers* known = feed.owner ? sellers_of(counted) : nullptr;
      known != nullptr && !is_concerned(*known))
    co_return std::optional<Delivery>();
  const OrderId id = order_of(counted.event.fact);
  const auto order = co_await orders_.find(user_of(counted.event.fact), id);
  if (!order && order.error().code == Code::order_not_found) co_return std::optional<Delivery>();
  if (!order) co_return fail(order.error());
  Order told = **order;
  if (feed.owner) {
    if (!is_concerned(note_sellers(id, told.lines))) co_return std::optional<Delivery>();
    told.total.amount = 0;
    OrderLines own;
    for (const OrderLine& line : told.lines) {
      if (seller_of(line.product) != feed.owner) continue;
      own.push_back(line);
      told.total.amount += line.unit_price.amount * line.quantity;
    }
    told.lines = std::move(own);
  }
  Delivery delivery;
  delivery.id = ids_.next_as<DeliveryId>();
  delivery.webhook = feed.id;
  delivery.event_id = wire::event_id(log, counted.place);
  delivery.order = id;
  delivery.payload = payload_of(counted, delivery.event_id, kind, told, !feed.owner, board_);
  delivery.kind = std::move(kind);
  delivery.created_at = delivery.next_at = clock_.now();
  co_return std::optional<Delivery>(std::move(delivery));
}

Task<> FeedWebhooks::take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) {
  const WebhookId webhook{follower};
  std::vector<Delivery> deliveries;
  const Webhooks::Feed* feed = feed_of(follower);
  for (const CountedEvent& counted : events) {
    std::string kind = order_kind_of(counted.event.fact);
    if (feed == nullptr || kind.empty()) continue;
    const auto& wanted = feed->events;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), kind) == wanted.end()) continue;
    auto made = co_await delivery_of(*feed, counted, to.log, std::move(kind));
    if (!made) co_return fail(made.error());
    if (*made) deliveries.push_back(std::move(**made));
  }
  const bool some = !deliveries.empty();
  At& at = places_[webhook];
  if (!some && may_stay_unstored(at.stored, to, unstored_max)) {
    at.to = to;
    co_return Result<>();
  }
  const auto added = co_await webhooks_.add(webhook, std::move(deliveries), to);
  if (!added) co_return fail(added.error());
  at.stored = at.to = to;
  if (some) added_();
  co_return Result<>();
}

}  // namespace market::order
