#pragma once
/// Makes a delivery of each event that a webhook asked for: a follower of the log for each webhook, whose
/// effect is a row beside its place. One that does not keep up is simply told later; nobody waits for it. A
/// seller's is told of orders that have one of his products, and of nothing else in them.

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>

#include "ports/order_reader.hpp"
#include "ports/product_board.hpp"
#include "ports/webhooks.hpp"

namespace market::order {

/// Kinds that a webhook may ask for.
const std::vector<std::string>& webhook_kinds();

class FeedWebhooks final : public LogEffect {
 public:
  /// `added`: called when there are deliveries.
  FeedWebhooks(Webhooks& webhooks, OrderReader& orders, const ProductBoard& board, IdSource& ids,
               const Clock& clock, std::function<void()> added)
      : webhooks_(webhooks),
        orders_(orders),
        board_(board),
        ids_(ids),
        clock_(clock),
        added_(std::move(added)) {}
  /// So far the place of one that was told nothing may lie behind.
  static constexpr Place unstored_max = 256;

  void rest() override { places_.clear(); }
  Task<std::vector<Follower>> followers() override;
  Task<> take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) override;

 private:
  using Sellers = std::vector<UserId>;
  /// What is told of an order: all of it, or what one seller sold.
  Task<std::optional<Delivery>> delivery_of(const Webhooks::Feed& feed, const CountedEvent& counted,
                                            const LogId& log, std::string kind);
  const Webhooks::Feed* feed_of(std::int64_t webhook) const;
  /// Null: not known without reading the order.
  const Sellers* sellers_of(const CountedEvent& counted);
  const Sellers& note_sellers(OrderId order, const OrderLines& lines);
  UserId seller_of(ProductId product) const;

  Webhooks& webhooks_;
  OrderReader& orders_;
  const ProductBoard& board_;
  IdSource& ids_;
  const Clock& clock_;
  const std::function<void()> added_;
  std::vector<Webhooks::Feed> feeds_;  ///< As followers() found them.
  /// Those who are told nothing write nothing: most of many webhooks, at most of the times.
  struct At {
    FollowedTo stored, to;
    std::vector<std::string> events;  ///< That were looked for on the way there.
  };
  static constexpr std::size_t known_places_max = 1'000;
  std::map<WebhookId, At> places_;
  /// Whose products newer orders have, so that an order is not read for each seller whom it is no business
  /// of.
  static constexpr std::size_t known_sellers_max = 65'536;
  boost::unordered_flat_map<OrderId, Sellers> sellers_;
};

}  // namespace market::order
