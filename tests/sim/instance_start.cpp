// How an instance starts, and what it keeps for a start.
#include "tests/sim/instance.hpp"

namespace market::sim {

void Instance::start() {
  alive_ = true;
  ++life_;
  memory_ = std::make_unique<Memory>(shared_.settings, shared_.records);
  unfolded_.clear();
  open_payments_.clear();
  bound_.clear();
  nonce_ = 0;
  heard_ = clock();
  recorded_ = shared_.records.stored_place();
  if (restore()) ++shared_.starts_from_snapshot;
  load_stock();
  replay_log();
  stock_->table.show_stock(sequencer().state());
  take_payments_over();
  after(shared_.world.millis(1, 20), [this] { tick(); });
  if (shared_.world.embedded) open();
}

/// False: there is none, and the whole log is read.
bool Instance::restore() {
  if (!saved_) return false;
  auto decoded = sale::decode_snapshot(saved_->bytes);
  if (!decoded) {
    shared_.world.violated("the snapshot cannot be read: " + decoded.error().detail);
    return false;
  }
  const sale::LogEnd& end = decoded->memory.end;
  if (end.point.last > recorded_) return false;  // The records are behind it.
  if (end.next > 1 && wire::record_checksum(shared_.log.at(end.next - 1)) != end.checksum)
    shared_.world.violated("the snapshot is of another log");
  if (bug(Bug::snapshot_without_head)) decoded->memory.end.point.term = 0;
  if (!saved_->filter.empty()) {
    if (!memory_->keys.merge(saved_->filter)) shared_.world.violated("the key filter cannot be read");
  } else {
    for (const auto& [key, at] : saved_->keys) memory_->keys.add(key, at);
  }
  bound_ = saved_->keys;
  sequencer().restore(std::move(decoded->memory));
  return true;
}

void Instance::replay_log() {
  const Offset end = shared_.log.end();
  while (sequencer().end().next < end && shared_.world.violation.empty()) {
    const Offset offset = sequencer().end().next;
    if (bug(Bug::recovery_skips_last) && offset == end - 1 && offset > 1) return;
    follow_one(offset, perturbed(shared_.log.at(offset)));
    sequencer().forget(recorded_);
  }
}

/// Payments that were open before the snapshot.
void Instance::take_payments_over() {
  const OpenOrders& orders = sequencer().state().orders;
  orders.for_each([&](const OpenOrder& order) {
    const bool refund = order.payment == PaymentState::refunding;
    if (refund || order.payment == PaymentState::pending)
      open_payments_[order.id] = OpenPayment{orders.attempt_of(order.id), refund, order.user, 0};
  });
}

/// A little of a copy, or its beginning.
void Instance::snapshot() {
  if (sequencer().in_flight()) return;
  if (!copy_) {
    if (!shared_.world.random.chance(shared_.world.faults.snapshot)) return;
    copied_.clear();
    copy_ = std::make_unique<sale::SnapshotCopy>(sequencer());
    keys_at_copy_ = bound_.size();
    if (!bug(Bug::snapshot_without_notes))
      sequencer().on_settled([this](const UndoLog& undo) { copy_->overwritten(undo); });
  }
  std::int64_t parts = shared_.world.random.between(100, 4'000);
  if (!copy_->step([&parts] { return --parts > 0; })) {
    copied_ += copy_->take_bytes();
    return;
  }
  copied_ += copy_->take_bytes();
  save_copy();
}

void Instance::save_copy() {
  Snapshot fresh;
  fresh.bytes = std::move(copied_);
  fresh.keys.assign(bound_.begin(), bound_.begin() + static_cast<std::ptrdiff_t>(keys_at_copy_));
  // The filter's own bytes cost milliseconds: some seeds go through them.
  if (shared_.world.seed % 64 == 5) fresh.filter = memory_->keys.encode();
  saved_ = std::move(fresh);
  copy_.reset();
  sequencer().on_settled({});
  ++shared_.snapshots;
}

}  // namespace market::sim
