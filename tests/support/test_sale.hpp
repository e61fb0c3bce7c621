#pragma once
/// A sale without a gate: decides and applies, with times that are easy to read in a test. Ids of orders,
/// products and attempts are what decide() gave.
///
///   TestSale sale;
///   const ProductId shoes = sale.list(5);
///   const OrderId order = sale.accepted(alice, shoes);

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "domain/sale/apply.hpp"
#include "domain/sale/decide.hpp"
#include "domain/sale/fold_order.hpp"

namespace market::tests {

inline constexpr UserId seller{900}, alice{1}, bob{2};
inline constexpr ProductId unknown_product{99};
inline constexpr OrderId unknown_order{98};

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

/// A command with the key of its request.
inline Command keyed(Command command, RequestKey key, std::uint64_t fingerprint) {
  command.key = key;
  command.fingerprint = fingerprint;
  return command;
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

  /// Decides and applies; a test's own mistake when the command is refused or changes nothing.
  CountedEvent carry_out(const Command& command) {
    const Decision decision = ask(command);
    const auto* event = std::get_if<Event>(&decision);
    if (!event) {
      const auto* error = std::get_if<Error>(&decision);
      throw std::logic_error("the test's own command led to no event: " + (error ? error->detail : ""));
    }
    if (!apply(state, *event)) throw std::logic_error("the test's own event was not applied");
    remember(CountedEvent{state.numbers.place, *event});
    return log.back();
  }
  template <class Kind>
  Kind carry_out_as(const Command& command) {
    return std::get<Kind>(carry_out(command).event.fact);
  }

  ProductId list(std::int64_t stock, ProductTerms terms = event_terms(), ProductTexts texts = {}) {
    ListProduct asked{std::move(terms), std::move(texts), stock};
    return carry_out_as<ProductListed>(asked).product;
  }
  /// The product's terms as they are now, for a ChangeProduct.
  ChangeProduct change_of(ProductId product) const {
    const SaleProduct& now_so = product_of(product);
    return ChangeProduct{product, now_so.version, now_so.terms, {}};
  }
  const SaleProduct& product_of(ProductId product) const {
    const SaleProduct* found = state.product(product);
    if (found == nullptr) throw std::logic_error("the test's own product is not there");
    return *found;
  }
  const ProductStock& stock_of(ProductId product) const { return product_of(product).stock; }
  std::int32_t bought(ProductId product, UserId user) const {
    return state.units_of(user, state.slot_of(product));
  }
  /// The whole order, as pages show it.
  const Order& order(OrderId id) const { return orders.at(id); }

  /// An order at each stage of its life.
  OrderId accepted(UserId user, ProductId product, std::int32_t quantity = 1) {
    return carry_out_as<OrderAccepted>(place(user, product, quantity)).order;
  }
  AttemptId paying(OrderId order) {
    return carry_out_as<PaymentStarted>(StartPayment{order, orders.at(order).user}).attempt;
  }
  CountedEvent settled(OrderId order, AttemptId attempt, PaymentOutcome outcome) {
    return carry_out(SettlePayment{order, attempt, outcome});
  }
  OrderId paid(UserId user, ProductId product, std::int32_t quantity = 1) {
    const OrderId order = accepted(user, product, quantity);
    settled(order, paying(order), PaymentOutcome::captured);
    return order;
  }
  /// Waits until it may.
  CountedEvent expired(OrderId order) {
    const OpenOrder* open = state.orders.find(order);
    if (open == nullptr) throw std::logic_error("the test's own order is not open");
    now = std::max(now, expires_at(state, *open, rules));
    return carry_out(ExpireOrder{order});
  }
  CountedEvent moved(OrderId order, OrderState to) { return carry_out(MoveOrder{order, UserId{}, to, {}}); }

  SaleState state;
  DecideRules rules;
  Instant now = at(0);
  std::vector<CountedEvent> log;  ///< All that was carried out.
  std::map<OrderId, Order> orders;

 private:
  void remember(CountedEvent counted) {
    const OrderId id = order_of(counted.event.fact);
    if (std::holds_alternative<OrderAccepted>(counted.event.fact))
      orders[id] = accepted_order(counted);
    else if (id)
      fold_order(orders.at(id), counted);
    log.push_back(std::move(counted));
  }
};

}  // namespace market::tests
