#include "domain/sale/decide.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace market {
namespace {

Error refuse(Code code, std::string detail) {
  return Error(code, std::move(detail));
}

Error refuse_member(std::string field, std::string detail) {
  return invalid_field(std::move(field), "range", std::move(detail)).value();
}

/// One command, with what decides about it.
struct Asked {
  const SaleState& state;
  const Command& command;
  Instant now;
  const DecideRules& rules;

  template <class Body>
  Event event_of(Body fact) const {
    return Event{now, command.key, command.fingerprint, command.id, Fact(std::move(fact))};
  }
  /// 63 bits, rising over everything that gets one: the greater of the last one + 1 and the time.
  std::int64_t next_id() const { return std::max(state.numbers.last_id + 1, first_id_of(now)); }
};

Units units_of(const SaleState& state, const OpenOrder& order) {
  Units units;
  for (const OpenLine& line : state.orders.lines_of(order))
    units.push_back(MovedUnits{state.products[line.slot].id, line.quantity});
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

Decision decide_on(const Asked& asked, const ListProduct& wanted) {
  if (wanted.stock < 0 || wanted.stock > ProductStock::stock_max)
    return refuse_member("stock", "the stock is out of range");
  if (auto wrong = wrong_terms(wanted.terms)) return std::move(*wrong);
  return asked.event_of(ProductListed{ProductId{asked.next_id()}, wanted.terms, wanted.texts, wanted.stock});
}

Decision decide_on(const Asked& asked, const ChangeProduct& wanted) {
  const SaleProduct* product = asked.state.product(wanted.product);
  if (product == nullptr || product->terms.withdrawn)
    return refuse(Code::product_not_found, "no such product");
  if (product->version != wanted.based_on)
    return refuse(Code::precondition_failed, "the product has changed; read it again");
  if (product->terms.seller != wanted.terms.seller)
    return refuse(Code::validation, "the seller of a product does not change");
  // Its report is one sum of money, and what a buyer compares with his receipt.
  if (product->stock.sold && product->terms.price.currency != wanted.terms.price.currency)
    return refuse_member("price.currency", "the currency does not change once a unit was sold");
  if (auto wrong = wrong_terms(wanted.terms)) return std::move(*wrong);
  return asked.event_of(ProductChanged{wanted.product, product->version + 1, wanted.terms, wanted.texts});
}

Decision decide_on(const Asked& asked, const AdjustStock& wanted) {
  const SaleProduct* product = asked.state.product(wanted.product);
  if (product == nullptr || product->terms.withdrawn)
    return refuse(Code::product_not_found, "no such product");
  const ProductStock& stock = product->stock;
  if (wanted.delta == 0) return Unchanged{};
  if (wanted.delta > ProductStock::stock_max - stock.capacity || wanted.delta < -ProductStock::stock_max)
    return refuse_member("delta", "the stock would be out of range");
  if (stock.remaining + wanted.delta < 0)
    return refuse(Code::insufficient_stock,
                  fmt::format("only {} units are left to take away", stock.remaining));
  return asked.event_of(StockAdjusted{wanted.product, wanted.delta, wanted.reason});
}

// ---- Orders ----

/// A short text, which needs no memory of its own: after the last unit, nearly every answer is this one.
std::optional<Error> sold_out(std::int64_t remaining) {
  if (remaining > 0) return std::nullopt;
  return refuse(Code::sold_out, "no units left");
}

/// Whether `user` may have `quantity` more units of a product now. The order of these checks is part of the
/// contract: window, sold out, limit, stock.
std::optional<Error> refuses_units(const SaleState& state, std::uint32_t slot, UserId user,
                                   std::int64_t quantity) {
  const SaleProduct& product = state.products[slot];
  if (auto gone = sold_out(product.stock.remaining)) return gone;
  if (product.terms.sale && product.terms.sale->per_user_limit) {
    const std::int64_t limit = *product.terms.sale->per_user_limit;
    if (state.units_of(user, slot) + quantity > limit)
      return refuse(Code::limit_exceeded, fmt::format("a buyer may have {} units of this product", limit));
  }
  if (product.stock.remaining < quantity)
    return refuse(Code::insufficient_stock, fmt::format("only {} units are left", product.stock.remaining));
  return std::nullopt;
}

bool asked_before(const PlaceOrder& wanted, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i)
    if (wanted.lines[i].product == wanted.lines[index].product) return true;
  return false;
}

std::optional<Error> add_line(const Asked& asked, const PlaceOrder& wanted, std::size_t index,
                              OrderAccepted& order) {
  const WantedLine& line = wanted.lines[index];
  const std::uint32_t slot = asked.state.slot_of(line.product);
  if (slot == SaleState::no_product || !is_public(asked.state.products[slot].terms, asked.now))
    return refuse(Code::product_not_found, "no such product");
  const SaleProduct& product = asked.state.products[slot];
  if (line.quantity < 1 || line.quantity > OrderLine::quantity_max)
    return refuse_member("items", "a quantity is 1 to 1000");
  if (asked_before(wanted, index)) return refuse_member("items", "a product stands twice in this order");
  if (auto refused = refuses_visibly(product.terms, product.stock.remaining, asked.now)) return refused;
  if (auto refused = refuses_units(asked.state, slot, wanted.user, line.quantity)) return refused;
  const Money& price = product.terms.price;
  if (index > 0 && price.currency != order.total.currency)
    return refuse_member("items", "an order has one currency");
  order.total.currency = price.currency;
  order.total.amount += price.amount * line.quantity;
  const bool ticketed = product.terms.kind == ProductKind::event;
  order.lines.push_back(OrderLine{line.product, product.version, line.quantity, price,
                                  ticketed ? product.stock.next_ticket : 0});
  return std::nullopt;
}

Decision decide_on(const Asked& asked, const PlaceOrder& wanted) {
  if (wanted.lines.empty() || wanted.lines.size() > order_lines_max)
    return refuse_member("items", "an order has 1 to 20 items");
  OrderAccepted order;
  for (std::size_t i = 0; i < wanted.lines.size(); ++i)
    if (auto refused = add_line(asked, wanted, i, order)) return std::move(*refused);
  order.order = OrderId{asked.next_id()};
  order.user = wanted.user;
  order.pay_by = asked.now + wanted.payment_window;
  return asked.event_of(std::move(order));
}

/// The caller's own order, or null.
const OpenOrder* order_for(const SaleState& state, OrderId id, UserId user) {
  const OpenOrder* order = state.orders.find(id);
  return order != nullptr && order->user == user ? order : nullptr;
}

Error no_such_order() {
  return refuse(Code::order_not_found, "no such order");
}

Decision decide_on(const Asked& asked, const StartPayment& wanted) {
  const OpenOrder* order = order_for(asked.state, wanted.order, wanted.user);
  if (order == nullptr) return no_such_order();
  if (order->state != OrderState::accepted)
    return refuse(Code::order_not_payable, fmt::format("the order is {}", text_of(order->state)));
  if (order->payment == PaymentState::pending)
    return refuse(Code::order_not_payable, "a payment of this order is under way");
  if (asked.now >= payable_until(asked.state, *order))
    return refuse(Code::order_not_payable, "the time to pay is over");
  Event begun = asked.event_of(PaymentStarted{wanted.order, wanted.user, AttemptId{asked.next_id()}});
  begun.key = {};  // An attempt is no acceptance yet: the settlement binds it.
  begun.fingerprint = 0;
  return begun;
}

/// Late money: the units are taken again if everybody's rules allow it.
std::optional<OrderPaid> take_again(const SaleState& state, const OpenOrder& order, AttemptId attempt) {
  OrderPaid paid{order.id, order.user, attempt, true, units_of(state, order), {}};
  for (const OpenLine& line : state.orders.lines_of(order)) {
    if (refuses_units(state, line.slot, order.user, line.quantity)) return std::nullopt;
    const SaleProduct& product = state.products[line.slot];
    paid.tickets.push_back(product.terms.kind == ProductKind::event ? product.stock.next_ticket : 0);
  }
  return paid;
}

Decision decide_captured(const Asked& asked, const OpenOrder& order, const SettlePayment& wanted) {
  if (order.payment == PaymentState::paid || order.payment == PaymentState::refunding ||
      order.payment == PaymentState::refunded)
    return Unchanged{};  // Settled before; an order has one open attempt at a time.
  if (order.state == OrderState::accepted)
    return asked.event_of(OrderPaid{order.id, order.user, wanted.attempt, false, {}, {}});
  if (order.state == OrderState::expired)
    if (auto paid = take_again(asked.state, order, wanted.attempt)) return asked.event_of(std::move(*paid));
  return asked.event_of(RefundOwed{order.id, order.user, wanted.attempt, order.state});
}

Decision decline(const Asked& asked, const OpenOrder& order, const SettlePayment& wanted) {
  Event event = asked.event_of(PaymentDeclined{order.id, order.user, wanted.attempt, wanted.back_to});
  if (!wanted.back_to) return event;
  event.key = {};  // In the log its place says what the payment goes back to.
  event.fingerprint = 0;
  return event;
}

Decision decide_on(const Asked& asked, const SettlePayment& wanted) {
  const OpenOrder* order = asked.state.orders.find(wanted.order);
  if (order == nullptr) return no_such_order();
  if (!wanted.attempt || asked.state.orders.attempt_of(wanted.order) != wanted.attempt) return Unchanged{};
  switch (wanted.outcome) {
    case PaymentOutcome::captured:
      return decide_captured(asked, *order, wanted);
    case PaymentOutcome::declined:
      if (order->payment != PaymentState::pending) return Unchanged{};
      return decline(asked, *order, wanted);
    case PaymentOutcome::refunded:
      if (order->payment != PaymentState::refunding) return Unchanged{};
      return asked.event_of(Refunded{wanted.order, order->user, wanted.attempt});
  }
  return Unchanged{};
}

/// The attempt whose money goes back when a paid order ends; none when it was not paid.
AttemptId refund_of(const SaleState& state, const OpenOrder& order) {
  return order.payment == PaymentState::paid ? state.orders.attempt_of(order.id) : AttemptId{};
}

Decision decide_on(const Asked& asked, const CancelOrder& wanted) {
  const OpenOrder* order = asked.state.orders.find(wanted.order);
  if (order == nullptr || (!wanted.by_operator && order->user != wanted.user)) return no_such_order();
  const bool before_shipping = order->state == OrderState::accepted || order->state == OrderState::paid ||
                               order->state == OrderState::preparing;
  if (!before_shipping)
    return refuse(Code::order_not_cancellable, fmt::format("the order is {}", text_of(order->state)));
  if (order->payment == PaymentState::pending)
    return refuse(Code::order_not_cancellable, "a payment of this order is under way");
  return asked.event_of(
      OrderCancelled{order->id, order->user, refund_of(asked.state, *order), units_of(asked.state, *order)});
}

Decision decide_on(const Asked& asked, const ExpireOrder& wanted) {
  const OpenOrder* order = asked.state.orders.find(wanted.order);
  if (order == nullptr || order->state != OrderState::accepted) return Unchanged{};
  if (asked.now < expires_at(asked.state, *order, asked.rules)) return Unchanged{};
  const AttemptId open =
      order->payment == PaymentState::pending ? asked.state.orders.attempt_of(order->id) : AttemptId{};
  return asked.event_of(
      OrderVoided{order->id, order->user, open, units_of(asked.state, *order), VoidReason::unpaid});
}

/// The steps of a paid order; paying, expiring and cancelling have commands of their own.
bool follows(OrderState from, OrderState to) {
  return to >= OrderState::preparing && to <= OrderState::returned && may_follow(from, to);
}

/// A buyer asks to return in time; whoever has no user is an operator or the calendar.
bool return_is_late(const Asked& asked, const OpenOrder& order, const MoveOrder& wanted) {
  return wanted.user && order.state == OrderState::delivered &&
         asked.now >= order.pay_by + asked.rules.return_window;
}

Decision decide_on(const Asked& asked, const MoveOrder& wanted) {
  const OpenOrder* order = asked.state.orders.find(wanted.order);
  if (order == nullptr || (wanted.user && order->user != wanted.user)) return no_such_order();
  if (order->state == wanted.state) return Unchanged{};
  // Money goes back once: an order whose money has gone takes no further step that could owe it again.
  if (order->payment != PaymentState::paid || !follows(order->state, wanted.state))
    return refuse(wanted.user ? Code::order_not_returnable : Code::order_not_movable,
                  fmt::format("the order is {}", text_of(order->state)));
  if (return_is_late(asked, *order, wanted))
    return refuse(Code::order_not_returnable, "the time to return the order is over");
  const AttemptId refund =
      wanted.state == OrderState::returned ? refund_of(asked.state, *order) : AttemptId{};
  return asked.event_of(OrderMoved{order->id, order->user, wanted.state, refund,
                                   units_of(asked.state, *order), wanted.reason,
                                   asked.state.orders.attempt_of(order->id)});
}

/// Before shipping an order is cancelled, which gives its units back too.
Decision decide_on(const Asked& asked, const RefundOrder& wanted) {
  const OpenOrder* order = asked.state.orders.find(wanted.order);
  if (order == nullptr) return no_such_order();
  if (order->state != OrderState::shipped && order->state != OrderState::delivered &&
      order->state != OrderState::return_requested)
    return refuse(Code::order_not_refundable, fmt::format("the order is {}", text_of(order->state)));
  if (order->payment == PaymentState::refunding || order->payment == PaymentState::refunded)
    return Unchanged{};
  return asked.event_of(
      RefundOwed{order->id, order->user, asked.state.orders.attempt_of(order->id), order->state});
}

Decision decide_on(const Asked& asked, const GrantGrace& wanted) {
  if (wanted.until <= asked.state.numbers.grace_until) return Unchanged{};
  return asked.event_of(GraceGranted{wanted.until});
}

/// What the key was bound to before, if it was.
std::optional<Decision> bound_before(const SaleState& state, const Command& command) {
  if (!command.key) return std::nullopt;
  const KeyBinding* bound = state.keys.find(command.key);
  if (bound == nullptr) return std::nullopt;
  if (bound->fingerprint == command.fingerprint) return Replayed{bound->subject};
  return refuse(Code::idempotency_mismatch, "this Idempotency-Key came with another body before");
}

/// A copy of a request that another of its copies has settled.
std::optional<Decision> settled_before(const SaleState& state, const Command& command, Instant now) {
  if (command.copy.number == 0) return std::nullopt;
  const auto settled = state.refused.find(command.copy.request);
  if (settled == state.refused.end() || settled->second.until <= now) return std::nullopt;
  return refusal_again(settled->second.code, "another copy of this request was refused", command,
                       [&](ProductId id) { return state.product(id); });
}

/// Money that has moved is settled, whatever its request's key was bound to meanwhile; it stays bound to
/// that.
Command without_bound_key(const SaleState& state, const Command& command) {
  Command plain = command;
  if (state.keys.find(command.key) != nullptr) plain.key = {};
  return plain;
}

}  // namespace

std::optional<Error> refuses_visibly(const ProductTerms& terms, std::int64_t remaining, Instant now) {
  if (terms.sale && now < terms.sale->opens_at) {
    ErrorExtras extras;
    extras.opens_at = format_rfc3339(terms.sale->opens_at);
    return Error(Code::sale_not_open, "the sale has not opened yet", std::move(extras));
  }
  if (terms.sale && is_over(*terms.sale, now)) return refuse(Code::sale_closed, "the sale has closed");
  if (terms.sale && terms.sale->paused) return refuse(Code::sale_closed, "the sale is paused");
  return sold_out(remaining);
}

Error refusal_again(Code code, std::string detail, const Command& command,
                    const std::function<const SaleProduct*(ProductId)>& find) {
  Instant opens_at{};
  if (const auto* place = std::get_if<PlaceOrder>(&command.body); place && code == Code::sale_not_open)
    for (const WantedLine& line : place->lines)
      if (const SaleProduct* product = find(line.product); product && product->terms.sale)
        opens_at = std::max(opens_at, product->terms.sale->opens_at);
  if (opens_at == Instant{}) return Error(code, std::move(detail));
  ErrorExtras extras;
  extras.opens_at = format_rfc3339(opens_at);
  return Error(code, std::move(detail), std::move(extras));
}

Instant payable_until(const SaleState& state, const OpenOrder& order) {
  return std::max(order.pay_by, state.numbers.grace_until);
}

Instant expires_at(const SaleState& state, const OpenOrder& order, const DecideRules& rules) {
  // An attempt that was begun in time is waited for, wherever the end of that time came from.
  const Millis attempt = order.payment == PaymentState::pending ? rules.attempt_bound : Millis(0);
  return payable_until(state, order) + attempt;
}

Decision decide(const SaleState& state, const Command& command, Instant now, const DecideRules& rules) {
  if (command.key && std::holds_alternative<SettlePayment>(command.body)) {
    const Command plain = without_bound_key(state, command);
    const Asked settled{state, plain, now, rules};
    return decide_on(settled, std::get<SettlePayment>(plain.body));
  }
  if (auto bound = bound_before(state, command)) return std::move(*bound);
  if (auto settled = settled_before(state, command, now)) return std::move(*settled);
  const Asked asked{state, command, now, rules};
  Decision decision = std::visit([&](const auto& body) { return decide_on(asked, body); }, command.body);
  const Error* error = std::get_if<Error>(&decision);
  if (error == nullptr || command.copy.number <= 1) return decision;
  // An earlier copy may still be under way, and must not become an order after this answer.
  if (state.refused.size() >= SaleState::refused_max)
    return refuse(Code::overloaded, "too many copies of requests are being settled");
  Event refused = asked.event_of(Refused{command.copy.request, error->code, now + rules.copies_settled_for});
  refused.key = {};
  return refused;
}

}  // namespace market
