#include "domain/sale/order_counts.hpp"

#include <algorithm>

namespace market {

void OrderCounts::add(const Order& order, ProductId product) {
  std::int64_t units = 0;
  for (const OrderLine& line : order.lines)
    if (line.product == product) units += line.quantity;
  if (units == 0) return;
  Count& count = by_state[static_cast<std::size_t>(order.state)];
  ++count.orders;
  count.units += units;
  const bool goes_back = order.payment == PaymentState::refunding || order.payment == PaymentState::refunded;
  Amounts& amounts = goes_back ? refunded : count.amounts;
  for (const OrderLine& line : order.lines)
    if (line.product == product) amounts[line.unit_price.currency] += line.unit_price.amount * line.quantity;
  for (const StateChange& change : order.history) {
    Timeline::Step step;
    if (change.state == OrderState::accepted) {
      step.orders = 1;
      step.units = units;
      first = std::min(first.value_or(change.at), change.at);
      last = std::max(last.value_or(change.at), change.at);
    } else if (change.state == OrderState::paid) {
      step.paid = units;
    } else if (!holds_units(change.state)) {
      step.given_back = units;
    } else {
      continue;
    }
    timeline.add(change.at, step);
  }
}

}  // namespace market
