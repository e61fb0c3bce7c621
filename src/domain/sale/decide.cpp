#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "domain/sale/sale_engine.hpp"

namespace market {
namespace {

Error refuse(Code code, std::string detail) {
  return Error(code, std::move(detail));
}

Error refuse_member(std::string field, std::string detail) {
  return invalid_field(std::move(field), "range", std::move(detail)).value();
}

template <class Body>
Event event_of(const SaleState& state, Instant now, Body fact) {
  return Event{now, state.epoch, Fact(std::move(fact))};
}

Units units_of(const Order& order) {
  Units units;
  for (const OrderLine& line : order.lines) units.push_back(MovedUnits{line.product, line.quantity});
  return units;
}

// ---- Products ----

std::optional<Error> wrong_terms(const ProductTerms& terms) {
  if (terms.price.amount < 0 || terms.price.amount > Money::amount_max)
    return refuse_member("price", "the price is out of range");
  if (terms.sale && terms.sale->closes_at && *terms.sale->closes_at <= terms.sale->opens_at)
    return refuse_member("sale.closesAt", "a sale closes after it opens");
  if (terms.sale && terms.sale->per_user_limit && *terms.sale->per_user_limit < 1)
    return refuse_member("sale.perUserLimit", "the limit per user is 1 or more");
  return std::nullopt;
}

Decision decide_on(const SaleState& state, const ListProduct& asked, Instant now) {
  if (state.products.contains(asked.product)) return Unchanged{};
  if (asked.stock < 0 || asked.stock > ProductStock::stock_max)
    return refuse_member("stock", "the stock is out of range");
  if (auto wrong = wrong_terms(asked.terms)) return std::move(*wrong);
  return event_of(state, now, ProductListed{asked.product, asked.terms, asked.stock});
}

Decision decide_on(const SaleState& state, const ChangeProduct& asked, Instant now) {
  const auto product = state.products.find(asked.product);
  if (product == state.products.end()) return refuse(Code::product_not_found, "no such product");
  const ProductTerms& terms = product->second.terms;
  if (terms == asked.terms) return Unchanged{};
  if (terms.seller != asked.terms.seller)
    return refuse(Code::validation, "the seller of a product does not change");
  if (auto wrong = wrong_terms(asked.terms)) return std::move(*wrong);
  return event_of(state, now, ProductChanged{asked.product, asked.terms});
}

Decision decide_on(const SaleState& state, const AdjustStock& asked, Instant now) {
  const auto product = state.products.find(asked.product);
  if (product == state.products.end()) return refuse(Code::product_not_found, "no such product");
  const ProductStock& stock = product->second.stock;
  if (asked.delta == 0) return Unchanged{};
  if (asked.delta > ProductStock::stock_max - stock.capacity || asked.delta < -ProductStock::stock_max)
    return refuse_member("delta", "the stock would be out of range");
  if (stock.remaining + asked.delta < 0)
    return refuse(Code::insufficient_stock,
                  fmt::format("only {} units are left to take away", stock.remaining));
  return event_of(state, now, StockAdjusted{asked.product, asked.delta, asked.reason});
}

// ---- Orders ----

/// Whether `user` may have `quantity` more units of `product` now. The order of these checks is part of the
/// contract: window, sold out, limit, stock.
std::optional<Error> refuses_units(const SaleProduct& product, UserId user, std::int64_t quantity) {
  if (product.stock.remaining == 0) return refuse(Code::sold_out, "all units are sold");
  if (product.terms.sale && product.terms.sale->per_user_limit) {
    const std::int64_t limit = *product.terms.sale->per_user_limit;
    const auto bought = product.buyers.find(user);
    const std::int64_t has = bought == product.buyers.end() ? 0 : bought->second;
    if (has + quantity > limit)
      return refuse(Code::limit_exceeded, fmt::format("a buyer may have {} units of this product", limit));
  }
  if (product.stock.remaining < quantity)
    return refuse(Code::insufficient_stock, fmt::format("only {} units are left", product.stock.remaining));
  return std::nullopt;
}

std::optional<Error> outside_window(const ProductTerms& terms, Instant now) {
  if (!terms.sale) return std::nullopt;
  if (now < terms.sale->opens_at) {
    ErrorExtras extras;
    extras.opens_at = format_rfc3339(terms.sale->opens_at);
    return Error(Code::sale_not_open, "the sale has not opened yet", std::move(extras));
  }
  if (terms.sale->closes_at && now >= *terms.sale->closes_at)
    return refuse(Code::sale_closed, "the sale has closed");
  return std::nullopt;
}

bool asked_before(const PlaceOrder& asked, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i)
    if (asked.lines[i].product == asked.lines[index].product) return true;
  return false;
}

std::optional<Error> add_line(const SaleState& state, const PlaceOrder& asked, std::size_t index, Instant now,
                              Order& order) {
  const WantedLine& wanted = asked.lines[index];
  const auto found = state.products.find(wanted.product);
  if (found == state.products.end() || found->second.terms.withdrawn)
    return refuse(Code::product_not_found, "no such product");
  const SaleProduct& product = found->second;
  if (wanted.quantity < 1 || wanted.quantity > OrderLine::quantity_max)
    return refuse_member("items", "a quantity is 1 to 1000");
  if (asked_before(asked, index)) return refuse_member("items", "a product stands twice in this order");
  if (auto closed = outside_window(product.terms, now)) return closed;
  if (auto refused = refuses_units(product, asked.user, wanted.quantity)) return refused;
  const Money& price = product.terms.price;
  if (index > 0 && price.currency != order.total.currency)
    return refuse_member("items", "an order has one currency");
  order.total.currency = price.currency;
  order.total.amount += price.amount * wanted.quantity;
  const bool ticketed = product.terms.kind == ProductKind::event;
  order.lines.push_back(
      OrderLine{wanted.product, wanted.quantity, price, ticketed ? product.stock.next_ticket : 0});
  return std::nullopt;
}

Decision decide_on(const SaleState& state, const PlaceOrder& asked, Instant now) {
  if (asked.key) {
    const auto bound = state.keys.find(asked.key);
    if (bound != state.keys.end()) {
      if (bound->second.body_fingerprint == asked.body_fingerprint) return Replayed{bound->second.order};
      return refuse(Code::idempotency_mismatch, "this Idempotency-Key came with another body before");
    }
  }
  if (asked.lines.empty() || asked.lines.size() > order_lines_max)
    return refuse_member("items", "an order has 1 to 20 items");
  Event event{now, state.epoch, OrderAccepted{}};
  Order& order = std::get<OrderAccepted>(event.fact).order;
  for (std::size_t i = 0; i < asked.lines.size(); ++i)
    if (auto refused = add_line(state, asked, i, now, order)) return std::move(*refused);
  order.id = asked.order;
  order.user = asked.user;
  order.pay_by = now + asked.payment_window;
  order.created_at = order.updated_at = now;
  order.key = asked.key;
  order.body_fingerprint = asked.body_fingerprint;
  order.history.push_back(StateChange{OrderState::accepted, now});
  return event;
}

/// The caller's own order, or null.
OrderPtr order_for(const SaleState& state, OrderId id, UserId user) {
  const auto found = state.orders.find(id);
  return found != state.orders.end() && found->second->user == user ? found->second : nullptr;
}

Error no_such_order() {
  return refuse(Code::order_not_found, "no such order");
}

Instant payable_until(const SaleState& state, const Order& order) {
  return std::max(order.pay_by, state.grace_until);
}

Decision decide_on(const SaleState& state, const StartPayment& asked, Instant now) {
  const OrderPtr order = order_for(state, asked.order, asked.user);
  if (!order) return no_such_order();
  if (order->state != OrderState::accepted)
    return refuse(Code::order_not_payable, fmt::format("the order is {}", text_of(order->state)));
  if (order->payment == PaymentState::pending)
    return refuse(Code::order_not_payable, "a payment of this order is under way");
  if (now >= payable_until(state, *order)) return refuse(Code::order_not_payable, "the time to pay is over");
  return event_of(state, now, PaymentStarted{asked.order, asked.attempt});
}

/// Late money: the units are taken again if everybody's rules allow it.
std::optional<OrderPaid> take_again(const SaleState& state, const Order& order, AttemptId attempt) {
  OrderPaid paid{order.id, order.user, attempt, true, units_of(order), {}};
  for (const OrderLine& line : order.lines) {
    const auto product = state.products.find(line.product);
    if (product == state.products.end() || refuses_units(product->second, order.user, line.quantity))
      return std::nullopt;
    paid.tickets.push_back(line.ticket == 0 ? 0 : product->second.stock.next_ticket);
  }
  return paid;
}

Decision decide_captured(const SaleState& state, const Order& order, const SettlePayment& asked,
                         Instant now) {
  if (order.payment == PaymentState::paid || order.payment == PaymentState::refunding ||
      order.payment == PaymentState::refunded) {
    return Unchanged{};  // Settled before; an order has one open attempt at a time.
  }
  if (order.state == OrderState::accepted)
    return event_of(state, now, OrderPaid{order.id, order.user, asked.attempt, false, {}, {}});
  if (order.state == OrderState::expired)
    if (auto paid = take_again(state, order, asked.attempt)) return event_of(state, now, std::move(*paid));
  return event_of(state, now, RefundOwed{order.id, asked.attempt});
}

Decision decide_on(const SaleState& state, const SettlePayment& asked, Instant now) {
  const auto found = state.orders.find(asked.order);
  if (found == state.orders.end()) return no_such_order();
  const Order& order = *found->second;
  if (order.attempt != asked.attempt) return Unchanged{};
  switch (asked.outcome) {
    case PaymentOutcome::captured:
      return decide_captured(state, order, asked, now);
    case PaymentOutcome::declined:
      if (order.payment != PaymentState::pending) return Unchanged{};
      return event_of(state, now, PaymentDeclined{asked.order, asked.attempt});
    case PaymentOutcome::refunded:
      if (order.payment != PaymentState::refunding) return Unchanged{};
      return event_of(state, now, Refunded{asked.order, asked.attempt});
  }
  return Unchanged{};
}

Decision decide_on(const SaleState& state, const CancelOrder& asked, Instant now) {
  const OrderPtr order = order_for(state, asked.order, asked.user);
  if (!order) return no_such_order();
  const bool before_shipping = order->state == OrderState::accepted || order->state == OrderState::paid ||
                               order->state == OrderState::preparing;
  if (!before_shipping)
    return refuse(Code::order_not_cancellable, fmt::format("the order is {}", text_of(order->state)));
  if (order->payment == PaymentState::pending)
    return refuse(Code::order_not_cancellable, "a payment of this order is under way");
  return event_of(state, now, OrderCancelled{order->id, order->user, units_of(*order)});
}

Decision decide_on(const SaleState& state, const ExpireOrder& asked, Instant now) {
  const auto found = state.orders.find(asked.order);
  if (found == state.orders.end() || found->second->state != OrderState::accepted) return Unchanged{};
  const Order& order = *found->second;
  if (now < payable_until(state, order)) return Unchanged{};
  if (order.payment == PaymentState::pending && now < order.pay_by + asked.attempt_bound) return Unchanged{};
  return event_of(state, now, OrderVoided{order.id, order.user, units_of(order), VoidReason::unpaid});
}

Decision decide_on(const SaleState& state, const MoveOrder& asked, Instant now) {
  const auto found = state.orders.find(asked.order);
  if (found == state.orders.end() || (asked.user && found->second->user != asked.user))
    return no_such_order();
  const Order& order = *found->second;
  const bool follows =
      (asked.state == OrderState::preparing && order.state == OrderState::paid) ||
      (asked.state == OrderState::shipped && order.state == OrderState::preparing) ||
      (asked.state == OrderState::delivered && order.state == OrderState::shipped) ||
      (asked.state == OrderState::return_requested && order.state == OrderState::delivered) ||
      (asked.state == OrderState::returned && order.state == OrderState::return_requested);
  if (order.state == asked.state) return Unchanged{};
  if (!follows)
    return refuse(Code::order_not_returnable, fmt::format("the order is {}", text_of(order.state)));
  Units units = asked.state == OrderState::returned ? units_of(order) : Units{};
  return event_of(state, now, OrderMoved{order.id, asked.state, std::move(units), asked.reason});
}

Decision decide_on(const SaleState& state, const GrantGrace& asked, Instant now) {
  if (asked.until <= state.grace_until) return Unchanged{};
  return event_of(state, now, GraceGranted{asked.until});
}

Decision decide_on(const SaleState& state, const OpenEpoch& asked, Instant now) {
  if (asked.epoch <= state.epoch) return Unchanged{};
  return event_of(state, now, EpochOpened{asked.epoch});
}

}  // namespace

Decision decide(const SaleState& state, const Command& command, Instant now) {
  return std::visit([&](const auto& asked) { return decide_on(state, asked, now); }, command);
}

}  // namespace market
