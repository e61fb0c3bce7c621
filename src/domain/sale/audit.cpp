#include "domain/sale/audit.hpp"

#include <fmt/format.h>

#include "base/check.hpp"

namespace market {

void Audit::note(std::string& first, std::string what) const {
  if (first.empty()) first = fmt::format("at place {}: {}", place_, what);
}

void Audit::see(const CountedEvent& counted) {
  if (counted.place != place_ + 1) note(gaps_, fmt::format("place {} follows", counted.place));
  place_ = counted.place;
  const Event& event = counted.event;
  if (event.key) {
    auto& bound = keys_[event.key];
    if (bound != Instant{} && event.at - bound < key_life) note(bound_twice_, "a request key is bound again");
    bound = event.at;
  }
  if (product_of(event.fact)) see_product(counted);
  if (order_of(event.fact)) see_order(counted);
  if (auto held = overdue_.see(event, orders_); !held.empty()) note(held_, std::move(held));
}

void Audit::see_product(const CountedEvent& counted) {
  const ProductId id = product_of(counted.event.fact);
  const auto found = products_.find(id);
  if (const auto* listed = std::get_if<ProductListed>(&counted.event.fact)) {
    if (found != products_.end()) return note(folding_, "a known product is listed again");
    Product& product = products_[id];
    product.terms = listed->terms;
    product.texts = listed->texts;
    product.capacity = product.remaining = listed->stock;
    return;
  }
  if (found == products_.end()) return note(folding_, "an unknown product is changed");
  Product& product = found->second;
  if (const auto* changed = std::get_if<ProductChanged>(&counted.event.fact)) {
    if (changed->version != product.version + 1) note(folding_, "a product's version is skipped");
    product.version = changed->version;
    product.terms = changed->terms;
    product.texts = changed->texts;
  } else if (const auto* adjusted = std::get_if<StockAdjusted>(&counted.event.fact)) {
    product.capacity += adjusted->delta;
    product.remaining += adjusted->delta;
    check_product(id, product);
  }
}

void Audit::count_live(const Order& order, int sign) {
  for (const OrderLine& line : order.lines) {
    Product& product = products_[line.product];
    product.live += sign * line.quantity;
    product.remaining -= sign * line.quantity;
    check_product(line.product, product);
  }
}

void Audit::check_product(ProductId id, const Product& product) {
  if (product.remaining < 0) note(stock_, fmt::format("product {}: {} remain", id.text(), product.remaining));
  check(product.capacity == product.remaining + product.live, "the audit moves both sides together");
}

void Audit::check_tickets(const Order& order) {
  for (const OrderLine& line : order.lines) {
    if (line.ticket == 0) continue;
    auto& last = products_[line.product].last_ticket;
    if (line.ticket != last + 1)
      note(tickets_, fmt::format("product {}: ticket {} follows {}", line.product.text(), line.ticket, last));
    last = line.ticket;
  }
}

void Audit::see_order(const CountedEvent& counted) {
  const OrderId id = order_of(counted.event.fact);
  const bool accepted = std::holds_alternative<OrderAccepted>(counted.event.fact);
  auto found = orders_.find(id);
  if (accepted != (found == orders_.end()))
    return note(folding_, fmt::format("order {} is {}", id.text(), accepted ? "accepted twice" : "unknown"));
  if (accepted) {
    const Order& order = orders_.emplace(id, accepted_order(counted)).first->second;
    std::int64_t sum = 0;
    for (const OrderLine& line : order.lines) {
      sum += line.unit_price.amount * line.quantity;
      Product& product = products_[line.product];
      if (line.version != product.version || line.unit_price != product.terms.price)
        note(money_, fmt::format("order {} has another price than its product", id.text()));
      auto& units = product.buyers[order.user];
      units += line.quantity;
      const auto& sale = product.terms.sale;
      if (sale && sale->per_user_limit && units > *sale->per_user_limit)
        note(limits_, fmt::format("buyer {} has {} units", order.user.text(), units));
    }
    if (sum != order.total.amount) note(money_, fmt::format("order {} is not its lines' sum", id.text()));
    check_tickets(order);
    return count_live(order, 1);
  }
  Order& order = found->second;
  const OrderState before = order.state;
  if (user_of(counted.event.fact) != order.user) note(folding_, "an event names another buyer");
  fold_order(order, counted);
  if (before != order.state && !may_follow(before, order.state))
    note(steps_,
         fmt::format("order {} goes from {} to {}", id.text(), text_of(before), text_of(order.state)));
  if (holds_units(before) != holds_units(order.state)) {
    const int sign = holds_units(order.state) ? 1 : -1;
    count_live(order, sign);
    if (sign > 0) check_tickets(order);
    // Cancel and expiry free the buyer's limit, a return does not.
    if (order.state != OrderState::returned)
      for (const OrderLine& line : order.lines) {
        auto& buyers = products_[line.product].buyers;
        if ((buyers[order.user] += sign * line.quantity) == 0) buyers.erase(order.user);
      }
  }
}

std::vector<Audit::Finding> Audit::findings() const {
  return {{"places have no gap", gaps_},
          {"every event folds: about known orders and products, by their buyer", folding_},
          {"capacity = remaining + live units at every place, nothing is oversold", stock_},
          {"tickets of a product rise, and none is given twice", tickets_},
          {"no buyer is over a limit", limits_},
          {"a request key is bound once", bound_twice_},
          {"unpaid orders give their units back in time", held_},
          {"each order takes one legal step after another", steps_},
          {"prices and totals are those of the products when they were bought", money_}};
}

std::string Audit::difference(const SaleState& state) const {
  if (state.numbers.place != place_) return fmt::format("place {} is not {}", state.numbers.place, place_);
  if (state.products.size() != products_.size()) return "another number of products";
  std::size_t buyers = 0;
  for (const auto& [id, product] : products_) {
    const SaleProduct* known = state.product(id);
    if (known == nullptr) return fmt::format("product {} is missing", id.text());
    if (known->terms != product.terms || known->version != product.version)
      return fmt::format("product {} has other terms", id.text());
    // Of what was ever sold a snapshot of format 3 does not say all.
    const ProductStock stock{product.capacity, product.remaining, product.last_ticket + 1, known->stock.sold};
    if (known->stock != stock)
      return fmt::format("product {}: {} of {} remain, {} of {} in the whole log", id.text(),
                         known->stock.remaining, known->stock.capacity, product.remaining, product.capacity);
    buyers += product.buyers.size();
    for (const auto& [user, units] : product.buyers)
      if (state.units_of(user, state.slot_of(id)) != units)
        return fmt::format("buyer {} of product {} is miscounted", user.text(), id.text());
  }
  if (buyers != state.buyers.size()) return "buyers are counted who have nothing";
  for (const auto& [id, order] : orders_) {
    if (!has_open_work(order.state, order.payment)) continue;
    const OpenOrder* open = state.orders.find(id);
    if (open == nullptr) return fmt::format("open order {} is missing", id.text());
    if (open->state != order.state || open->payment != order.payment || open->user != order.user ||
        (order.state == OrderState::accepted && open->pay_by != order.pay_by) ||
        (order.attempt && state.orders.attempt_of(id) != order.attempt))
      return fmt::format("open order {} is different", id.text());
  }
  std::string wrong;
  state.orders.for_each([&](const OpenOrder& open) {
    const auto order = orders_.find(open.id);
    if (order == orders_.end())
      wrong = fmt::format("order {} is not in the whole log", open.id.text());
    else if (order->second.state != open.state || order->second.payment != open.payment)
      wrong = fmt::format("order {} is {} and {}, in the whole log {} and {}", open.id.text(),
                          text_of(open.state), text_of(open.payment), text_of(order->second.state),
                          text_of(order->second.payment));
  });
  return wrong;
}

}  // namespace market
