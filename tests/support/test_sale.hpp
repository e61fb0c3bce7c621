#pragma once
/// A sale without a gate: decides and applies, with ids and times that are easy to read in a test.

#include <map>
#include <stdexcept>
#include <string>

#include "domain/sale/apply.hpp"
#include "domain/sale/audit.hpp"
#include "domain/sale/decide.hpp"
#include "domain/sale/fold_order.hpp"

namespace market::tests {

inline constexpr UserId seller{900}, alice{1}, bob{2};
inline constexpr ProductId shoes{10}, cap{11}, unknown_product{99};

inline Instant at(std::int64_t millis) {
  return Instant(Millis(1'800'000'000'000 + millis));
}

inline ProductTerms event_terms(std::int64_t price = 500) {
  ProductTerms terms;
  terms.seller = seller;
  terms.price.amount = price;
  terms.kind = ProductKind::event;
  return terms;
}

inline ProductTerms limited_terms(std::int32_t per_user) {
  ProductTerms terms = event_terms();
  terms.sale = Sale{at(0), std::nullopt, per_user};
  return terms;
}

inline PlaceOrder place(UserId user, ProductId product, std::int32_t quantity = 1) {
  PlaceOrder asked;
  asked.user = user;
  asked.payment_window = Millis(1'000);
  asked.lines.push_back(WantedLine{product, quantity});
  return asked;
}

class TestSale {
 public:
  Decision ask(const Command& command) const { return decide(state, command, now, rules); }

  /// Why the command is refused; none when it is not.
  std::optional<Code> refusal(const Command& command) const {
    const Decision decision = ask(command);
    const auto* error = std::get_if<Error>(&decision);
    return error ? std::optional(error->code) : std::nullopt;
  }
  bool changes_nothing(const Command& command) const {
    return std::holds_alternative<Unchanged>(ask(command));
  }
  template <class Kind>
  bool leads_to(const Command& command) const {
    const Decision decision = ask(command);
    const auto* event = std::get_if<Event>(&decision);
    return event && std::holds_alternative<Kind>(event->fact);
  }
  /// A test's own mistake when the command is refused or changes nothing.
  Event event_of(const Command& command) const {
    Decision decision = ask(command);
    auto* event = std::get_if<Event>(&decision);
    if (event) return std::move(*event);
    const auto* error = std::get_if<Error>(&decision);
    throw std::logic_error("the test's own command led to no event: " + (error ? error->detail : ""));
  }

  /// Decides and applies; answers the whole order as it is then. `id`: what it makes gets this easy number in
  /// place of the one that decide() gave.
  OrderPtr carry_out(const Command& command, std::int64_t id = 0) {
    Event event = event_of(command);
    if (id != 0) give_id(event.fact, id);
    return put(std::move(event));
  }
  OrderPtr put(Event event) {
    const CountedEvent counted{state.numbers.place + 1, std::move(event)};
    if (!apply(state, counted.event)) throw std::logic_error("the test's own event changes nothing");
    audit.see(counted);
    const auto order = audit.orders().find(order_of(counted.event.fact));
    return order == audit.orders().end() ? nullptr : std::make_shared<const Order>(order->second);
  }
  /// The first invariant that does not hold, or what the state has other than the whole log; empty: none.
  std::string violation() const {
    for (const auto& [invariant, found] : audit.findings())
      if (!found.empty()) return invariant + ": " + found;
    return audit.difference(state);
  }

  void list(ProductId product, std::int64_t stock, ProductTerms terms = event_terms()) {
    carry_out(ListProduct{std::move(terms), {}, stock}, product.value);
  }
  /// A change that is based on what is there now.
  ChangeProduct change_of(ProductId product, ProductTerms terms) const {
    const SaleProduct* known = state.product(product);
    return ChangeProduct{product, known == nullptr ? 1 : known->version, std::move(terms), {}};
  }
  const ProductStock& stock_of(ProductId product) const { return state.product(product)->stock; }
  std::int32_t bought(ProductId product, UserId user) const {
    return state.units_of(user, state.slot_of(product));
  }

  /// An order at each stage of its life.
  OrderPtr accepted(std::int64_t order, UserId user, ProductId product, std::int32_t quantity = 1) {
    return carry_out(place(user, product, quantity), order);
  }
  OrderPtr paying(std::int64_t order, UserId user, std::int64_t attempt) {
    return carry_out(StartPayment{OrderId{order}, user}, attempt);
  }
  OrderPtr settled(std::int64_t order, std::int64_t attempt, PaymentOutcome outcome) {
    return carry_out(SettlePayment{OrderId{order}, AttemptId{attempt}, outcome});
  }
  OrderPtr paid(std::int64_t order, UserId user, ProductId product, std::int32_t quantity = 1) {
    accepted(order, user, product, quantity);
    paying(order, user, order);
    return settled(order, order, PaymentOutcome::captured);
  }
  OrderPtr expired(std::int64_t order) {
    now = std::max(now, expires_at(state, *state.orders.find(OrderId{order}), rules));
    return carry_out(ExpireOrder{OrderId{order}});
  }
  OrderPtr moved(std::int64_t order, OrderState to) {
    return carry_out(MoveOrder{OrderId{order}, UserId{}, to, {}});
  }

  SaleState state;
  DecideRules rules{.attempt_bound = Millis(500), .copies_settled_for = Millis(10'000)};
  Audit audit{rules.attempt_bound};
  Instant now = at(0);

 private:
  static void give_id(Fact& fact, std::int64_t id) {
    if (auto* listed = std::get_if<ProductListed>(&fact)) listed->product = ProductId{id};
    if (auto* accepted = std::get_if<OrderAccepted>(&fact)) accepted->order = OrderId{id};
    if (auto* started = std::get_if<PaymentStarted>(&fact)) started->attempt = AttemptId{id};
  }
};

}  // namespace market::tests
