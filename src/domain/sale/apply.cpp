#include "domain/sale/sale_engine.hpp"

namespace market {
namespace {

/// Buyers are counted for every product, so that a limit that is set later is right from its first moment.
void count_buyer(SaleProduct& product, UserId user, std::int32_t by) {
  const auto buyer = product.buyers.try_emplace(user, 0).first;
  buyer->second += by;
  if (buyer->second <= 0) product.buyers.erase(buyer);
}

enum class Limit : bool { kept, freed };

void give_back(SaleState& state, UserId user, const Units& units, Limit limit) {
  for (const MovedUnits& moved : units) {
    const auto product = state.products.find(moved.product);
    if (product == state.products.end()) continue;
    product->second.stock.remaining += moved.quantity;
    if (limit == Limit::freed) count_buyer(product->second, user, -moved.quantity);
  }
}

void take(SaleProduct& product, UserId user, std::int32_t quantity, std::int64_t ticket) {
  product.stock.remaining -= quantity;
  if (ticket != 0) product.stock.next_ticket = ticket + 1;
  count_buyer(product, user, quantity);
}

/// Puts a changed copy in the order's place; null when the order is not held here.
template <class Change>
OrderPtr change_order(SaleState& state, OrderId id, Instant at, Change change) {
  const auto found = state.orders.find(id);
  if (found == state.orders.end()) return nullptr;
  auto changed = std::make_shared<Order>(*found->second);
  change(*changed);
  changed->updated_at = at;
  found->second = changed;
  return changed;
}

void move_to(Order& order, OrderState state, Instant at) {
  order.state = state;
  order.history.push_back(StateChange{state, at});
}

OrderPtr apply_fact(SaleState& state, const Event&, const ProductListed& fact) {
  SaleProduct product;
  product.id = fact.product;
  product.terms = fact.terms;
  product.stock.capacity = product.stock.remaining = fact.stock;
  state.products.try_emplace(fact.product, std::move(product));
  return nullptr;
}

OrderPtr apply_fact(SaleState& state, const Event&, const ProductChanged& fact) {
  const auto product = state.products.find(fact.product);
  if (product != state.products.end()) product->second.terms = fact.terms;
  return nullptr;
}

OrderPtr apply_fact(SaleState& state, const Event&, const StockAdjusted& fact) {
  const auto product = state.products.find(fact.product);
  if (product == state.products.end()) return nullptr;
  product->second.stock.capacity += fact.delta;
  product->second.stock.remaining += fact.delta;
  return nullptr;
}

OrderPtr apply_fact(SaleState& state, const Event& event, const OrderAccepted& fact) {
  const Order& order = fact.order;
  if (event.epoch < state.epoch || state.orders.contains(order.id)) return nullptr;
  for (const OrderLine& line : order.lines) {
    const auto product = state.products.find(line.product);
    if (product == state.products.end() || product->second.stock.remaining < line.quantity) {
      ++state.oversell_prevented;
      return nullptr;
    }
  }
  for (const OrderLine& line : order.lines)
    take(state.products.find(line.product)->second, order.user, line.quantity, line.ticket);
  auto stored = std::make_shared<const Order>(order);
  state.orders.emplace(order.id, stored);
  if (order.key) state.keys.emplace(order.key, KeyBinding{order.id, order.body_fingerprint});
  return stored;
}

OrderPtr apply_fact(SaleState& state, const Event& event, const OrderVoided& fact) {
  give_back(state, fact.user, fact.units, Limit::freed);
  return change_order(state, fact.order, event.at,
                      [&](Order& order) { move_to(order, OrderState::expired, event.at); });
}

OrderPtr apply_fact(SaleState& state, const Event& event, const PaymentStarted& fact) {
  return change_order(state, fact.order, event.at, [&](Order& order) {
    order.payment = PaymentState::pending;
    order.attempt = fact.attempt;
  });
}

OrderPtr apply_fact(SaleState& state, const Event& event, const OrderPaid& fact) {
  for (std::size_t i = 0; i < fact.units.size(); ++i) {
    const auto product = state.products.find(fact.units[i].product);
    if (product != state.products.end())
      take(product->second, fact.user, fact.units[i].quantity, fact.tickets[i]);
  }
  return change_order(state, fact.order, event.at, [&](Order& order) {
    order.payment = PaymentState::paid;
    for (std::size_t i = 0; i < fact.tickets.size() && i < order.lines.size(); ++i)
      order.lines[i].ticket = fact.tickets[i];
    move_to(order, OrderState::paid, event.at);
  });
}

OrderPtr apply_fact(SaleState& state, const Event& event, const PaymentDeclined& fact) {
  return change_order(state, fact.order, event.at,
                      [](Order& order) { order.payment = PaymentState::declined; });
}

OrderPtr apply_fact(SaleState& state, const Event& event, const RefundOwed& fact) {
  return change_order(state, fact.order, event.at,
                      [](Order& order) { order.payment = PaymentState::refunding; });
}

OrderPtr apply_fact(SaleState& state, const Event& event, const Refunded& fact) {
  return change_order(state, fact.order, event.at,
                      [](Order& order) { order.payment = PaymentState::refunded; });
}

OrderPtr apply_fact(SaleState& state, const Event& event, const OrderCancelled& fact) {
  give_back(state, fact.user, fact.units, Limit::freed);
  return change_order(state, fact.order, event.at, [&](Order& order) {
    if (order.payment == PaymentState::paid) order.payment = PaymentState::refunding;
    move_to(order, OrderState::cancelled, event.at);
  });
}

OrderPtr apply_fact(SaleState& state, const Event& event, const OrderMoved& fact) {
  give_back(state, UserId{}, fact.units, Limit::kept);
  return change_order(state, fact.order, event.at, [&](Order& order) {
    if (fact.state == OrderState::returned && order.payment == PaymentState::paid)
      order.payment = PaymentState::refunding;
    move_to(order, fact.state, event.at);
  });
}

OrderPtr apply_fact(SaleState& state, const Event&, const GraceGranted& fact) {
  state.grace_until = std::max(state.grace_until, fact.until);
  return nullptr;
}

OrderPtr apply_fact(SaleState& state, const Event&, const EpochOpened& fact) {
  state.epoch = std::max(state.epoch, fact.epoch);
  return nullptr;
}

}  // namespace

OrderPtr apply(SaleState& state, const Event& event) {
  return std::visit([&](const auto& fact) { return apply_fact(state, event, fact); }, event.fact);
}

}  // namespace market
