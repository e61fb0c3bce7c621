#include "tests/sim/checker.hpp"

#include <fmt/format.h>

namespace market::sim {

void Checker::demand(bool holds, const char* invariant, const std::string& what) {
  if (!holds) world_.violated(fmt::format("{}: {}", invariant, what));
}

ModelOrder* Checker::known(OrderId id, const char* event) {
  const auto found = orders_.find(id);
  demand(found != orders_.end(), "I14", fmt::format("{} of an unknown order {}", event, id.value));
  return found == orders_.end() ? nullptr : &found->second;
}

void Checker::sent(const RequestPtr& request) {
  request->sent_at = world_.now();
  request->tickets_before = highest_ticket_answered_;
  if (const auto* place = std::get_if<PlaceOrder>(&request->command)) requests_[place->order] = request;
}

// ---- Events ----

void Checker::committed(Position at, const Event& event) {
  demand(at == position_ + 1, "I19", fmt::format("position {} follows {}", at, position_));
  position_ = at;
  world_.scheduler.note(static_cast<std::uint64_t>(at) * 16 + event.fact.index());
  demand(event.at <= world_.now(), "I8", "an event is dated in the future");
  std::visit([&](const auto& body) { fact(event, body); }, event.fact);
}

void Checker::catch_up(EventLog& log) {
  in_doubt_ = true;
  const auto read = log.read(position_, [&](Position at, const Event& event) {
    committed(at, event);
    return true;
  });
  in_doubt_ = false;
  demand(read.has_value(), "I19", "the log cannot be read");
  const auto end = log.end();
  demand(end && *end >= position_, "I2", "the log lost durable events");
}

void Checker::fact(const Event& event, const ProductListed& listed) {
  ModelProduct& product = products_[listed.product];
  product.terms = listed.terms;
  product.capacity = listed.stock;
  product.changed_at = event.at;
  product.remaining.set(world_.now(), listed.stock);
  touched_.insert(listed.product);
}

void Checker::fact(const Event&, const ProductChanged& changed) {
  ModelProduct& product = products_[changed.product];
  product.kind_changed = product.kind_changed || product.terms.kind != changed.terms.kind;
  product.terms = changed.terms;
  products_[changed.product].changed_at = world_.now();
}

void Checker::fact(const Event&, const StockAdjusted& adjusted) {
  ModelProduct& product = products_[adjusted.product];
  product.capacity += adjusted.delta;
  demand(product.left() >= 0, "I1", "units that are sold were taken away");
  product.remaining.set(world_.now(), product.left());
  touched_.insert(adjusted.product);
}

void Checker::take(UserId user, const OrderLine& line) {
  ModelProduct& product = products_[line.product];
  product.live += line.quantity;
  product.counted[user] += line.quantity;
  demand(product.left() >= 0, "I1", fmt::format("{} units more are sold than there are", -product.left()));
  const auto& sale = product.terms.sale;
  demand(!sale || !sale->per_user_limit || product.counted[user] <= *sale->per_user_limit, "I7",
         fmt::format("user {} has {} units", user.value, product.counted[user]));
  const bool ticketed = product.terms.kind == ProductKind::event;
  // Late money takes units again with the kind that the order was accepted with.
  const bool none = line.ticket == 0 && (!ticketed || product.kind_changed);
  demand(none || (line.ticket == product.last_ticket + 1 && (ticketed || product.kind_changed)), "I8",
         fmt::format("ticket {} follows {}", line.ticket, product.last_ticket));
  if (!none) product.last_ticket = line.ticket;
  product.remaining.set(world_.now(), product.left());
  product.counts[user].set(world_.now(), product.counted[user]);
  touched_.insert(line.product);
}

void Checker::check_request(const Order& order) {
  const auto found = requests_.find(order.id);
  demand(found != requests_.end(), "I4", fmt::format("nobody asked for order {}", order.id.value));
  if (found == requests_.end()) return;
  const Request& request = *found->second;
  const auto& asked = std::get<PlaceOrder>(request.command);
  bool same = asked.user == order.user && asked.key == order.key &&
              asked.body_fingerprint == order.body_fingerprint && asked.lines.size() == order.lines.size();
  for (std::size_t i = 0; same && i < order.lines.size(); ++i)
    same = asked.lines[i].product == order.lines[i].product &&
           asked.lines[i].quantity == order.lines[i].quantity;
  demand(same, "I4", "an order is not what was asked for");
  if (asked.key) {
    demand(keys_.emplace(asked.key, order.id).second, "I11", "one key has two orders");
    key_bound_at_.emplace(asked.key, world_.now());
    const auto [purchase, first] = purchases_.emplace(request.purchase, order.id);
    demand(first, "I2",
           fmt::format("one purchase became two orders, {} and {}", purchase->second.value, order.id.value));
  }
  // One queue: whoever came first has the earlier place, unless the records had to be asked on the way.
  if (request.look_ups > 0 || in_doubt_) return;
  demand(request.arrival > last_arrival_, "I8", "a later request was served first");
  last_arrival_ = request.arrival;
}

void Checker::fact(const Event& event, const OrderAccepted& accepted) {
  const Order& order = accepted.order;
  check_request(order);
  std::int64_t total = 0;
  for (const OrderLine& line : order.lines) {
    const ModelProduct& product = products_[line.product];
    const auto& sale = product.terms.sale;
    demand(!product.terms.withdrawn, "I4", "a withdrawn product was sold");
    demand(!sale || event.at >= sale->opens_at, "I4", "sold before the sale opened");
    demand(!sale || !sale->closes_at || event.at < *sale->closes_at, "I4", "sold after the sale closed");
    demand(line.unit_price == product.terms.price, "I13", "not the price of the product");
    demand(line.quantity > 0, "I4", "no units");
    total += line.quantity * line.unit_price.amount;
    take(order.user, line);
  }
  demand(total == order.total.amount, "I13", "the total is not the sum of the lines");
  const ModelOrder fresh{order.user, order.lines, order.state, order.payment, {}, total, order.pay_by};
  demand(orders_.emplace(order.id, fresh).second, "I2", "an order was accepted twice");
}

void Checker::give_back(ModelOrder& order, const Units& units, bool frees_limit) {
  demand(units.size() == order.lines.size(), "I5", "not the units of the order come back");
  for (const MovedUnits& moved : units) {
    ModelProduct& product = products_[moved.product];
    product.live -= moved.quantity;
    demand(product.live >= 0, "I5", "more units come back than were sold");
    if (frees_limit) product.counted[order.user] -= moved.quantity;
    product.counts[order.user].set(world_.now(), product.counted[order.user]);
    product.remaining.set(world_.now(), product.left());
    touched_.insert(moved.product);
  }
}

void Checker::fact(const Event& event, const OrderVoided& voided) {
  ModelOrder* order = known(voided.order, "OrderVoided");
  if (!order) return;
  demand(order->state == OrderState::accepted, "I5", "a unit came back twice: voided and not open");
  demand(event.at >= std::max(order->pay_by, grace_until_), "I6", "voided before its time to pay was over");
  order->state = OrderState::expired;
  give_back(*order, voided.units, true);
}

void Checker::fact(const Event& event, const PaymentStarted& started) {
  ModelOrder* order = known(started.order, "PaymentStarted");
  if (!order) return;
  demand(order->state == OrderState::accepted && order->payment != PaymentState::pending, "I13",
         "a payment of an order that is not payable");
  demand(event.at < std::max(order->pay_by, grace_until_), "I6", "a payment after the time to pay");
  order->payment = PaymentState::pending;
  order->attempt = started.attempt;
}

void Checker::fact(const Event&, const OrderPaid& paid) {
  ModelOrder* order = known(paid.order, "OrderPaid");
  if (!order) return;
  demand(order->attempt == paid.attempt, "I13", "paid by another attempt");
  demand(order->state == (paid.retaken ? OrderState::expired : OrderState::accepted), "I13",
         "paid in a wrong state");
  order->payment = PaymentState::paid;
  order->state = OrderState::paid;
  if (!paid.retaken) return;
  for (std::size_t i = 0; i < order->lines.size(); ++i) {
    order->lines[i].ticket = paid.tickets.at(i);
    take(order->user, order->lines[i]);
  }
}

void Checker::fact(const Event&, const PaymentDeclined& declined) {
  ModelOrder* order = known(declined.order, "PaymentDeclined");
  if (!order) return;
  demand(order->payment == PaymentState::pending, "I13", "declined without a payment");
  order->payment = PaymentState::declined;
}

void Checker::fact(const Event&, const RefundOwed& owed) {
  ModelOrder* order = known(owed.order, "RefundOwed");
  if (!order) return;
  demand(order->state == OrderState::expired, "I13", "a refund of a live order");
  order->payment = PaymentState::refunding;
}

void Checker::fact(const Event&, const Refunded& refunded) {
  ModelOrder* order = known(refunded.order, "Refunded");
  if (!order) return;
  demand(order->payment == PaymentState::refunding, "I13", "a refund that nobody owed");
  order->payment = PaymentState::refunded;
}

void Checker::fact(const Event&, const OrderCancelled& cancelled) {
  ModelOrder* order = known(cancelled.order, "OrderCancelled");
  if (!order) return;
  const bool cancellable = order->state == OrderState::accepted || order->state == OrderState::paid ||
                           order->state == OrderState::preparing;
  demand(cancellable && order->payment != PaymentState::pending, "I5", "cancelled in a wrong state");
  demand(cancelled.user == order->user, "I12", "cancelled by another user");
  if (order->payment == PaymentState::paid) order->payment = PaymentState::refunding;
  order->state = OrderState::cancelled;
  give_back(*order, cancelled.units, true);
}

void Checker::fact(const Event&, const OrderMoved& moved) {
  ModelOrder* order = known(moved.order, "OrderMoved");
  if (!order) return;
  static const std::map<OrderState, OrderState> before{{OrderState::preparing, OrderState::paid},
                                                       {OrderState::shipped, OrderState::preparing},
                                                       {OrderState::delivered, OrderState::shipped},
                                                       {OrderState::return_requested, OrderState::delivered},
                                                       {OrderState::returned, OrderState::return_requested}};
  const auto expected = before.find(moved.state);
  demand(expected != before.end() && order->state == expected->second, "I14", "a step was left out");
  order->state = moved.state;
  if (moved.state != OrderState::returned) return;
  if (order->payment == PaymentState::paid) order->payment = PaymentState::refunding;
  give_back(*order, moved.units, false);
}

}  // namespace market::sim
