// What clients were told, against what the log says.
#include <fmt/format.h>

#include "tests/sim/checker.hpp"

namespace market::sim {
namespace {

bool nothing_promised(Code code) {
  return code == Code::unavailable || code == Code::overloaded || code == Code::recovering ||
         code == Code::insufficient_storage;
}

/// What a log may hold that no gate of today writes: events of an old epoch, twice, or about unknown things.
/// apply() must leave the state as it is.
std::string accepts_foreign_events(SaleState& state) {
  const std::uint64_t before = state_hash(state);
  const UserId nobody{99};
  const Units units{MovedUnits{ProductId{99}, 1}};
  std::vector<Fact> facts{ProductChanged{ProductId{99}, {}},
                          StockAdjusted{ProductId{99}, 5, "foreign"},
                          OrderVoided{OrderId{1}, nobody, units, VoidReason::unpaid},
                          OrderCancelled{OrderId{1}, nobody, units},
                          OrderMoved{OrderId{1}, OrderState::returned, units, "foreign"},
                          OrderPaid{OrderId{1}, nobody, AttemptId{1}, true, units, {1}},
                          PaymentStarted{OrderId{1}, AttemptId{1}}};
  OrderAccepted unknown_product, too_many, old;
  unknown_product.order.id = too_many.order.id = old.order.id = OrderId{1};
  unknown_product.order.lines.push_back(OrderLine{ProductId{99}, 1, {}, 1});
  facts.emplace_back(unknown_product);
  if (!state.products.empty()) {
    const SaleProduct& product = state.products.begin()->second;
    const auto more = static_cast<std::int32_t>(product.stock.remaining) + 1;
    too_many.order.lines.push_back(OrderLine{product.id, more, {}, product.stock.next_ticket});
    facts.emplace_back(too_many);
  }
  if (!state.orders.empty()) facts.emplace_back(OrderAccepted{*state.orders.begin()->second});
  for (const Fact& fact : facts) {
    apply(state, Event{Instant{}, state.epoch, fact});
    if (state_hash(state) != before)
      return fmt::format("a foreign event of kind {} is taken in", fact.index());
  }
  apply(state, Event{Instant{}, state.epoch - 1, old});
  return state_hash(state) == before ? "" : "an order of an old epoch is taken in";
}

bool holds_units(OrderState state) {
  return state != OrderState::expired && state != OrderState::cancelled && state != OrderState::returned;
}

}  // namespace

void Checker::answered(const Request& request) {
  const auto& answer = request.answer;
  const auto code = answer ? 0u : 1u + static_cast<unsigned>(answer.error().code);
  world_.scheduler.note(code * 8 + request.command.index());
  const auto* place = std::get_if<PlaceOrder>(&request.command);
  if (!answer) {
    if (place && !nothing_promised(answer.error().code)) check_refusal(request, *place, answer.error());
    return;
  }
  if (!answer->order) return;
  const Order& order = *answer->order;
  acknowledged_[order.id] = order.state;
  if (!place) return;
  demand(order.user == place->user, "I12", "another user's order was answered");
  demand(order.body_fingerprint == place->body_fingerprint, "I11", "the order of another body was answered");
  demand(answer->replayed == (order.id != place->order), "I11", "a replay that is none");
  if (place->key && world_.bug != Bug::acknowledge_before_sync) {
    const auto bound = keys_.find(place->key);
    demand(bound != keys_.end() && bound->second == order.id, "I11", "a key was answered with another order");
  }
  if (answer->replayed) return;
  for (const OrderLine& line : order.lines) {
    if (products_[line.product].terms.kind != ProductKind::event) continue;
    if (line.ticket == 0 || line.product.value != 1)
      continue;  // Tickets are per product; the first is the crowd's.
    demand(line.ticket > request.tickets_before, "I8",
           fmt::format("ticket {} was asked for after {} had been answered", line.ticket,
                       request.tickets_before));
    highest_ticket_answered_ = std::max(highest_ticket_answered_, line.ticket);
  }
}

bool Checker::refusal_is_true(const Request& request, const WantedLine& line, UserId user, Code code) const {
  const auto found = products_.find(line.product);
  if (found == products_.end()) return code == Code::product_not_found;
  const ModelProduct& product = found->second;
  const auto& sale = product.terms.sale;
  if (product.changed_at >= request.sent_at) return true;  // Its terms moved meanwhile: nobody can tell.
  switch (code) {
    case Code::sold_out:
      return product.remaining.ever(request.sent_at, [](std::int64_t left) { return left == 0; });
    case Code::insufficient_stock:
      return product.remaining.ever(request.sent_at, [&](std::int64_t left) { return left < line.quantity; });
    case Code::limit_exceeded: {
      if (!sale || !sale->per_user_limit) return false;
      if (line.quantity > *sale->per_user_limit) return true;
      const auto counts = product.counts.find(user);
      return counts != product.counts.end() && counts->second.ever(request.sent_at, [&](std::int64_t has) {
        return has + line.quantity > *sale->per_user_limit;
      });
    }
    case Code::sale_not_open:
      return sale && request.sent_at < sale->opens_at;
    case Code::sale_closed:
      return sale && sale->closes_at && world_.now() >= *sale->closes_at;
    case Code::product_not_found:
      return product.terms.withdrawn;
    case Code::validation:
      return true;
    default:
      return false;
  }
}

void Checker::check_refusal(const Request& request, const PlaceOrder& place, const Error& error) {
  const auto bound = keys_.find(place.key);
  const bool bound_before = place.key && bound != keys_.end() && key_bound_at_[place.key] < request.sent_at;
  if (error.code == Code::idempotency_mismatch) {
    demand(bound != keys_.end(), "I11", "a key that was never bound does not match");
    return;
  }
  demand(!bound_before, "I3", "refused, and the key has an order");
  demand(!orders_.contains(place.order), "I3", "refused, and the order is there");
  const bool is_true = error.code == Code::validation ||
                       std::any_of(place.lines.begin(), place.lines.end(), [&](const WantedLine& line) {
                         return refusal_is_true(request, line, place.user, error.code);
                       });
  demand(is_true, "I10", "a refusal that was never true: " + error.detail);
}

void Checker::compare_stock(const SaleState& state) {
  for (const ProductId id : touched_) {
    const auto found = state.products.find(id);
    const ModelProduct& product = products_[id];
    const bool same = found != state.products.end() && found->second.stock.remaining == product.left() &&
                      found->second.stock.capacity == product.capacity;
    demand(same, "I5", fmt::format("the gate and the log differ on product {}", id.value));
    const bool ticketed = product.terms.kind == ProductKind::event;
    demand(!same || !ticketed || found->second.stock.next_ticket == product.last_ticket + 1, "I8",
           "the gate and the log differ on the next ticket");
  }
  touched_.clear();
}

void Checker::compare_recovered(const SaleState& state) {
  for (const auto& entry : products_) touched_.insert(entry.first);
  compare_stock(state);
  for (const auto& [id, product] : products_) {
    const auto found = state.products.find(id);
    if (found == state.products.end()) continue;
    for (const auto& [user, count] : product.counted) {
      const auto buyer = found->second.buyers.find(user);
      demand((buyer == found->second.buyers.end() ? 0 : buyer->second) == count, "I7",
             fmt::format("user {} is miscounted after a start", user.value));
    }
  }
  for (const auto& [id, order] : orders_) {
    const auto found = state.orders.find(id);
    const bool open = order.state == OrderState::accepted || order.payment == PaymentState::pending ||
                      order.payment == PaymentState::refunding;
    demand(!open || found != state.orders.end(), "I2", "an open order is gone after a start");
    if (found != state.orders.end())
      demand(found->second->state == order.state && found->second->payment == order.payment, "I19",
             "an order is not what the log says");
  }
  for (const auto& entry : acknowledged_)
    demand(orders_.contains(entry.first), "I2",
           fmt::format("order {} was acknowledged and is gone", entry.first.value));
}

void Checker::shown(UserId user, OrderId id, const OrderPtr& order) {
  const auto found = orders_.find(id);
  if (found == orders_.end() || found->second.user != user) {
    demand(!order, "I12", "an order is shown to somebody else");
    return;
  }
  demand(order != nullptr, "I16", fmt::format("order {} was answered and is not shown", id.value));
  if (order)
    demand(order->state == found->second.state && order->payment == found->second.payment, "I16",
           "an old order is shown");
}

std::int64_t Checker::live_money() const {
  std::int64_t sum = 0;
  for (const auto& entry : orders_)
    if (entry.second.payment == PaymentState::paid) sum += entry.second.total;
  return sum;
}

void Checker::finished(const SaleState& state) {
  compare_recovered(state);
  for (const auto& [id, order] : orders_) {
    demand(order.state != OrderState::accepted, "I6", fmt::format("order {} is held for ever", id.value));
    demand(order.payment != PaymentState::pending && order.payment != PaymentState::refunding, "I13",
           fmt::format("the money of order {} is on its way for ever", id.value));
  }
  for (const auto& [id, product] : products_) {
    std::int64_t live = 0;
    for (const auto& [order_id, order] : orders_)
      for (const OrderLine& line : order.lines)
        if (line.product == id && holds_units(order.state)) live += line.quantity;
    demand(live == product.live, "I5", "sold units and live orders differ");
  }
  // I19: two foldings of the whole log are one state, and it is sound.
  SaleState once, again;
  for (Position at = 0; at < position_; ++at) {
    apply(once, world_.journal.all_events()[static_cast<std::size_t>(at)]);
    apply(again, world_.journal.all_events()[static_cast<std::size_t>(at)]);
  }
  demand(state_hash(once) == state_hash(again), "I19", "two foldings of the log differ");
  demand(once.oversell_prevented == 0, "I1", "apply() refused an order beyond the stock");
  const std::string unsound = first_violation(once);
  demand(unsound.empty(), "I5", unsound);
  const std::string foreign = accepts_foreign_events(again);
  demand(foreign.empty(), "I14", foreign);
  for (const auto& [id, product] : once.products) {
    const auto live = state.products.find(id);
    demand(live != state.products.end() && live->second == product, "I19",
           "the running gate and the folded log differ");
  }
}

}  // namespace market::sim
