// How the gate starts, and how it comes back after a commit whose outcome is unknown.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/check.hpp"
#include "sale/sale_gate.hpp"

namespace market::sale {

void MemorySaleGate::take_over(Recovered recovered, Instant now) {
  check(recovered.position >= shown_through_, "events that were shown are gone from the log");
  state_ = std::move(recovered.state);
  forgotten_through_ = parts_.folder.position();
  deadlines_ = {};
  for (const auto& entry : state_.orders)
    if (entry.second->state == OrderState::accepted)
      deadlines_.push(Deadline{entry.second->pay_by, entry.first});
  remembered_.clear();
  std::vector<ChangedOrder> unseen;
  for (const ChangedOrder& change : recovered.newer_than_records) {
    if (change.position > shown_through_)
      unseen.push_back(change);
    else
      remembered_.push_back(Remembered{change, now});
  }
  show_changes(std::move(unseen), recovered.position, now);
  counters_.oversell_prevented.store(static_cast<std::uint64_t>(state_.oversell_prevented),
                                     std::memory_order_relaxed);
  parts_.live.publish_all(state_);
  parts_.live.set_recovering(false);
}

void MemorySaleGate::recover_after_failure(Instant now) {
  next_try_ = now + settings_.reopen_after;
  const auto end = disk_full_ ? parts_.log.end() : parts_.log.reopen();
  if (!end) {
    spdlog::error("the event log cannot be reopened yet: {}", end.error().detail);
    return;
  }
  const auto hold = parts_.folder.hold();
  const RecoverFrom from{parts_.log, parts_.snapshots, parts_.fold, parts_.folder.position(), *end};
  auto recovered = recover(from, parts_.keys);
  if (!recovered) {
    spdlog::error("the event log cannot be folded yet: {}", recovered.error().detail);
    return;
  }
  spdlog::warn("the event log is back at position {}", *end);
  take_over(std::move(*recovered), now);
  log_failed_ = false;
  report_open_payments();
}

void MemorySaleGate::grant_grace(Instant last_event_at) {
  const Instant now = parts_.clock.now();
  // The last event is the latest sign of life: the downtime was at most this long.
  const Millis grace = std::min(settings_.restart_grace, std::max(Millis(0), now - last_event_at));
  const bool any_due = std::any_of(state_.orders.begin(), state_.orders.end(), [&](const auto& entry) {
    return entry.second->state == OrderState::accepted && entry.second->pay_by < now + grace;
  });
  if (!any_due || grace == Millis(0)) return;
  auto decision = decide(state_, GrantGrace{now + grace}, now);
  if (auto* event = std::get_if<Event>(&decision)) {
    apply_event(std::move(*event));
    const auto committed = commit(now);
    if (!committed)
      spdlog::error("the grace after the restart could not be logged: {}", committed.error().detail);
  }
}

void MemorySaleGate::report_open_payments() {
  if (!open_payments_hook_) return;
  std::vector<OrderPtr> open;
  for (const auto& entry : state_.orders)
    if (entry.second->payment == PaymentState::pending || entry.second->payment == PaymentState::refunding)
      open.push_back(entry.second);
  if (!open.empty()) open_payments_hook_(std::move(open));
}

}  // namespace market::sale
