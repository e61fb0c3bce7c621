#include "domain/sale/overdue_holds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace market {

Instant OverdueHolds::due_of(const Order& order) const {
  const Millis attempt = order.payment == PaymentState::pending ? attempt_bound_ : Millis(0);
  return std::max(order.pay_by, grace_until_) + attempt;
}

std::string OverdueHolds::see(const Event& event, const Orders& orders) {
  const Instant now = event.at;
  if (last_at_ != Instant{}) written_for_ += std::clamp(Millis(now - last_at_), Millis(0), gap_max);
  last_at_ = now;
  if (const auto* granted = std::get_if<GraceGranted>(&event.fact))
    grace_until_ = std::max(grace_until_, granted->until);
  const auto order = orders.find(order_of(event.fact));
  if (order != orders.end() && std::holds_alternative<OrderAccepted>(event.fact))
    held_.push({order->second.pay_by, order->first});
  if (order != orders.end() && std::holds_alternative<OrderVoided>(event.fact)) {
    given_back_at_ = written_for_;
    given_back_through_ = std::max(order->second.pay_by, grace_until_);
  }
  // Whose end has moved, by a grace or an attempt, goes back where it waits.
  const auto still_due = [&](const Hold& hold) {
    const auto found = orders.find(hold.order);
    if (found == orders.end() || found->second.state != OrderState::accepted) return false;
    const Instant due = due_of(found->second);
    if (due >= now) held_.push({due, hold.order});
    return due < now;
  };
  while (!held_.empty() && held_.top().due < now) {
    const Hold hold = held_.top();
    held_.pop();
    if (still_due(hold)) overdue_.push_back({hold, written_for_});
  }
  while (!overdue_.empty()) {
    const Overdue first = overdue_.front();
    if (still_due(first.hold)) {
      const bool at_it = written_for_ - given_back_at_ <= slack &&
                         given_back_through_ <= std::max(first.hold.due, grace_until_) + slack;
      if (at_it || written_for_ - first.since <= slack) return {};
      overdue_.pop_front();
      return fmt::format("order {} still holds its units, {} ms after its time", first.hold.order.text(),
                         Millis(now - first.hold.due).count());
    }
    overdue_.pop_front();
  }
  return {};
}

}  // namespace market
