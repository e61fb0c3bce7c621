#include "tests/sim/sim_records.hpp"

#include "tests/sim/checker.hpp"

namespace market::sim {

void SimRecords::fold_one(const CountedEvent& counted) {
  const Event& event = counted.event;
  for (const StockMove& move : stock_moves(event.fact)) remaining_[move.product] += move.remaining;
  if (event.key) keys_[event.key] = BoundKey{subject_of(event.fact), event.fingerprint};
  const OrderId id = order_of(event.fact);
  if (!id) return;
  OrderPtr& row = rows_[id];
  if (std::holds_alternative<OrderAccepted>(event.fact)) {
    if (!row) row = std::make_shared<const Order>(accepted_order(counted));
    return;
  }
  if (!row) return checker_.world().violated(fmt::format("records: no row for place {}", counted.place));
  auto changed = std::make_shared<Order>(*row);
  fold_order(*changed, counted);
  row = std::move(changed);
}

Result<Place> SimRecords::fold(Place from, std::span<const CountedEvents> groups) {
  if (away()) return fail(Code::unavailable, "the records are away");
  for (int tries = 0; world_.strikes(world_.faults.records_deadlock); ++tries) {
    roll_back(from, groups);
    if (tries == 2) return fail(Code::unavailable, "deadlocks");
  }
  if (from != place_ && world_.bug != Bug::fold_won_twice) return place_;
  const Place through = groups.back()->back().place;
  if (world_.strikes(world_.faults.commit_in_doubt)) {  // It has not happened.
    if (world_.bug == Bug::commit_taken_for_done) return through;
    return fail(Code::unavailable, "the connection was lost");
  }
  if (world_.bug == Bug::place_before_effect && world_.strikes(0.05)) {
    place_ = through;
    return fail(Code::unavailable, "the connection was lost");
  }
  std::vector<CountedEvents> in_order(groups.begin(), groups.end());
  if (world_.bug == Bug::late_group_overtakes && groups.size() > 1) std::swap(in_order[0], in_order[1]);
  for (const CountedEvents& group : in_order)
    for (const CountedEvent& counted : *group)
      if (counted.place > from) fold_one(counted);
  place_ = through;
  checker_.folded(*this, from);
  // A commit whose answer is lost has happened all the same.
  if (world_.strikes(world_.faults.commit_in_doubt)) return fail(Code::unavailable, "the answer was lost");
  return place_;
}

/// Of a transaction that met a deadlock or waited too long for a lock, nothing is left.
void SimRecords::roll_back(Place from, std::span<const CountedEvents> groups) {
  if (world_.bug != Bug::rolled_back_in_part || from != place_) return;
  for (const CountedEvent& counted : *groups.front())
    if (counted.place > from) return fold_one(counted);
}

Result<Place> SimRecords::place() const {
  if (away()) return fail(Code::unavailable, "the records are away");
  return place_;
}

FoundOrder SimRecords::look_up(OrderId id) const {
  const auto row = rows_.find(id);
  return FoundOrder{row == rows_.end() ? nullptr : row->second, place_};
}

FoundKey SimRecords::look_up(RequestKey key) const {
  const auto bound = keys_.find(key);
  return FoundKey{bound == keys_.end() ? std::nullopt : std::optional(bound->second), place_};
}

Task<FoundOrder> SimRecords::find(OrderId id) {
  const Millis delay = world_.millis(0, world_.random.chance(0.2) ? 200 : 5);
  co_await time_passes(world_, delay);
  if (away()) co_return fail(Code::unavailable, "the records are away");
  FoundOrder found = look_up(id);
  if (world_.bug == Bug::event_applied_again && found.order) {
    auto order = std::make_shared<Order>(*found.order);
    order->place = 0;
    found.order = std::move(order);
  }
  co_return found;
}

Task<FoundKey> SimRecords::find_key(UserId, RequestKey key, Instant) {
  co_return look_up(key);
}

Task<FoundOrders> SimRecords::list(UserId, OrderFilter) {
  co_return FoundOrders{};  // The pages of lists are SQL's: tests/contract.
}

}  // namespace market::sim
