#pragma once
/// Makes a delivery of each event that a webhook asked for: a follower of the log for each webhook, whose
/// effect is a row beside its place. One that does not keep up is simply told later; nobody waits for it.

#include <functional>

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
  Task<std::vector<Follower>> followers() override;
  Task<> take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) override;

 private:
  Task<std::optional<Delivery>> delivery_of(WebhookId webhook, const CountedEvent& counted, const LogId& log,
                                            std::string kind);
  bool wants(std::int64_t webhook, const std::string& kind) const;

  Webhooks& webhooks_;
  OrderReader& orders_;
  const ProductBoard& board_;
  IdSource& ids_;
  const Clock& clock_;
  const std::function<void()> added_;
  std::vector<Webhooks::Feed> feeds_;  ///< As followers() found them.
};

}  // namespace market::order
