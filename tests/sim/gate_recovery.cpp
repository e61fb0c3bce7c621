// How the simulated gate starts, crashes, and comes back after a commit whose outcome is unknown: with the
// real recover().
#include "tests/sim/gate.hpp"

namespace market::sim {

void SimGate::start() {
  keys_ = std::make_unique<sale::KeyFilter>();
  overlay_ = std::make_unique<sale::OrderOverlay>();
  const auto end = world_.journal.end();
  records_at_ = *world_.records.position();
  shown_through_ = records_at_;
  up_ = true;
  if (!end || records_at_ > *end) {
    world_.violated("I2: the records are ahead of the log after a crash");
    return;
  }
  if (!recover_state(*end)) return;
  grant_grace();
  wake(Millis(0));
}

void SimGate::crash() {
  ++life_;
  up_ = false;
  world_.journal.crash();
  state_ = stale_ = {};
  queue_.clear();
  batch_.clear();
  events_.clear();
  late_expiries_.clear();
  changed_.clear();
  deadlines_ = {};
  remembered_.clear();
  unfolded_.clear();
  for (auto& instance : instance_buyers_) instance.clear();
  forgotten_through_ = shown_through_ = records_at_ = 0;
  committing_ = log_failed_ = disk_full_ = folding_ = false;
  looking_up_ = 0;
  next_wake_ = Instant::max();
}

bool SimGate::recover_state(Position end) {
  checker_.catch_up(world_.journal);
  const Position until = world_.bug == Bug::recovery_skips_last_record && end > 0 ? end - 1 : end;
  const sale::RecoverFrom from{world_.journal, world_.snapshots, world_.records, records_at_, until};
  auto recovered = sale::recover(from, *keys_);
  if (!recovered) {
    world_.violated("recovery fails: " + recovered.error().detail);
    return false;
  }
  if (recovered->position < shown_through_) {
    world_.violated("I2: events that were shown are gone from the log");
    return false;
  }
  last_event_at_ = recovered->last_event_at;
  state_ = std::move(recovered->state);
  forgotten_through_ = records_at_;
  deadlines_ = {};
  for (const auto& entry : state_.orders)
    if (entry.second->state == OrderState::accepted)
      deadlines_.push(Deadline{entry.second->pay_by, entry.first});
  remembered_.clear();
  std::vector<sale::ChangedOrder> unseen;
  for (const auto& change : recovered->newer_than_records) {
    if (change.position > shown_through_)
      unseen.push_back(change);
    else
      remembered_.push_back(Remembered{change, world_.now()});
  }
  show_changes(std::move(unseen), recovered->position);
  checker_.compare_recovered(state_);
  return true;
}

void SimGate::recover_after_failure() {
  next_try_ = world_.now() + Millis(20);
  world_.journal.fail_reopens(world_.random.chance(world_.faults.reopen_fails));
  const auto end = disk_full_ ? world_.journal.end() : world_.journal.reopen();
  if (!end || !recover_state(*end)) return;
  log_failed_ = false;
}

void SimGate::grant_grace() {
  const Instant now = world_.now();
  const Millis grace = std::min(restart_grace, std::max(Millis(0), now - last_event_at_));
  const bool any_due = std::any_of(state_.orders.begin(), state_.orders.end(), [&](const auto& entry) {
    return entry.second->state == OrderState::accepted && entry.second->pay_by < now + grace;
  });
  if (!any_due || grace == Millis(0)) return;
  auto decision = decide(state_, GrantGrace{now + grace}, now);
  if (auto* event = std::get_if<Event>(&decision)) {
    apply_event(std::move(*event));
    commit();
  }
}

std::optional<Position> SimGate::make_snapshot() {
  if (!up_ || log_failed_) return std::nullopt;
  const auto made = sale::make_snapshot(world_.journal, world_.snapshots, world_.records, records_at_);
  if (!made) world_.violated("no snapshot can be made: " + made.error().detail);
  return records_at_;
}

}  // namespace market::sim
