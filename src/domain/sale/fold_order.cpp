#include "domain/sale/fold_order.hpp"

namespace market {
namespace {

void move_to(Order& order, OrderState state, Instant at) {
  order.state = state;
  order.history.push_back(StateChange{state, at});
}

struct OrderFolding {
  Order& order;
  Instant at;

  void operator()(const OrderVoided&) const { move_to(order, OrderState::expired, at); }
  void operator()(const PaymentStarted& fact) const {
    order.payment = PaymentState::pending;
    order.attempt = fact.attempt;
  }
  void operator()(const OrderPaid& fact) const {
    order.payment = PaymentState::paid;
    order.attempt = fact.attempt;
    for (std::size_t i = 0; i < fact.tickets.size() && i < order.lines.size(); ++i)
      order.lines[i].ticket = fact.tickets[i];
    move_to(order, OrderState::paid, at);
  }
  void operator()(const PaymentDeclined& fact) const { order.payment = fact.after(); }
  void operator()(const RefundOwed& fact) const {
    order.payment = PaymentState::refunding;
    order.attempt = fact.attempt;
  }
  void operator()(const Refunded&) const { order.payment = PaymentState::refunded; }
  void operator()(const OrderCancelled& fact) const {
    if (fact.refund) order.payment = PaymentState::refunding;
    move_to(order, OrderState::cancelled, at);
  }
  void operator()(const OrderMoved& fact) const {
    if (fact.refund) order.payment = PaymentState::refunding;
    move_to(order, fact.state, at);
  }
  template <class Other>
  void operator()(const Other&) const {}  // About no order that exists already.
};

}  // namespace

Order accepted_order(const CountedEvent& counted) {
  const auto& fact = std::get<OrderAccepted>(counted.event.fact);
  Order order;
  order.id = fact.order;
  order.user = fact.user;
  order.total = fact.total;
  order.pay_by = fact.pay_by;
  order.created_at = order.updated_at = counted.event.at;
  order.lines = fact.lines;
  order.history.push_back(StateChange{OrderState::accepted, counted.event.at});
  order.place = counted.place;
  return order;
}

void fold_order(Order& order, const CountedEvent& counted) {
  if (counted.place <= order.place) return;
  order.place = counted.place;
  order.updated_at = counted.event.at;
  std::visit(OrderFolding{order, counted.event.at}, counted.event.fact);
}

StockMoves stock_moves(const Fact& fact) {
  StockMoves moves;
  const auto each = [&](const Units& units, std::int64_t sign) {
    for (const MovedUnits& moved : units) moves.push_back(StockMove{moved.product, sign * moved.quantity, 0});
  };
  if (const auto* listed = std::get_if<ProductListed>(&fact))
    moves.push_back(StockMove{listed->product, listed->stock, listed->stock});
  else if (const auto* adjusted = std::get_if<StockAdjusted>(&fact))
    moves.push_back(StockMove{adjusted->product, adjusted->delta, adjusted->delta});
  else if (const auto* accepted = std::get_if<OrderAccepted>(&fact))
    for (const OrderLine& line : accepted->lines) moves.push_back(StockMove{line.product, -line.quantity, 0});
  else if (const auto* voided = std::get_if<OrderVoided>(&fact))
    each(voided->units, 1);
  else if (const auto* paid = std::get_if<OrderPaid>(&fact))
    each(paid->units, -1);
  else if (const auto* cancelled = std::get_if<OrderCancelled>(&fact))
    each(cancelled->units, 1);
  else if (const auto* moved = std::get_if<OrderMoved>(&fact); moved && moved->state == OrderState::returned)
    each(moved->units, 1);
  return moves;
}

}  // namespace market
