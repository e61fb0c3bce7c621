#pragma once
/// A sale without a gate: decides and applies, with ids and times that are easy to read in a test.

#include <stdexcept>
#include <string>

#include "domain/sale/sale_engine.hpp"

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

inline PlaceOrder place(std::int64_t order, UserId user, ProductId product, std::int32_t quantity = 1) {
  PlaceOrder asked;
  asked.order = OrderId{order};
  asked.user = user;
  asked.payment_window = Millis(1'000);
  asked.lines.push_back(WantedLine{product, quantity});
  return asked;
}

class TestSale {
 public:
  Decision ask(const Command& command) const { return decide(state, command, now); }

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

  /// Decides and applies; a test's own mistake when the command is refused or changes nothing.
  OrderPtr carry_out(const Command& command) {
    const Decision decision = ask(command);
    const auto* event = std::get_if<Event>(&decision);
    if (!event) {
      const auto* error = std::get_if<Error>(&decision);
      throw std::logic_error("the test's own command led to no event: " + (error ? error->detail : ""));
    }
    return apply(state, *event);
  }
  void list(ProductId product, std::int64_t stock, ProductTerms terms = event_terms()) {
    carry_out(ListProduct{product, std::move(terms), stock});
  }
  const ProductStock& stock_of(ProductId product) const { return state.products.at(product).stock; }
  std::int32_t bought(ProductId product, UserId user) const {
    const auto& buyers = state.products.at(product).buyers;
    const auto found = buyers.find(user);
    return found == buyers.end() ? 0 : found->second;
  }

  /// An order at each stage of its life.
  OrderPtr accepted(std::int64_t order, UserId user, ProductId product, std::int32_t quantity = 1) {
    return carry_out(place(order, user, product, quantity));
  }
  OrderPtr paying(std::int64_t order, UserId user, std::int64_t attempt) {
    return carry_out(StartPayment{OrderId{order}, user, AttemptId{attempt}});
  }
  OrderPtr settled(std::int64_t order, std::int64_t attempt, PaymentOutcome outcome) {
    return carry_out(SettlePayment{OrderId{order}, AttemptId{attempt}, outcome});
  }
  OrderPtr paid(std::int64_t order, UserId user, ProductId product, std::int32_t quantity = 1) {
    accepted(order, user, product, quantity);
    paying(order, user, order);
    return settled(order, order, PaymentOutcome::captured);
  }
  OrderPtr expired(std::int64_t order, Millis attempt_bound = Millis(0)) {
    now = std::max(now, state.orders.at(OrderId{order})->pay_by) + attempt_bound;
    return carry_out(ExpireOrder{OrderId{order}, attempt_bound});
  }
  OrderPtr moved(std::int64_t order, OrderState to) {
    return carry_out(MoveOrder{OrderId{order}, UserId{}, to, {}});
  }

  SaleState state;
  Instant now = at(0);
};

}  // namespace market::tests
