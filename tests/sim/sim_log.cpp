#include "tests/sim/sim_log.hpp"

#include "base/check.hpp"

namespace market::sim {

void SimLog::show(std::size_t through) {
  while (visible_ < static_cast<Offset>(std::min(through, records_.size()))) {
    ++visible_;
    visible_at_.push_back(world_.now());
    world_.scheduler.note(std::hash<std::string>{}(at(visible_)));
    on_visible(visible_, at(visible_));
  }
}

// ---- Several writers ----

void SimLog::produce(std::string record) {
  const int copies = world_.strikes(world_.faults.append_twice) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (world_.strikes(world_.faults.append_lost)) continue;
    Millis delay = world_.millis(0, 2);
    if (i > 0 || world_.strikes(world_.faults.append_late))
      delay = world_.millis(1, world_.random.chance(0.3) ? 2'500 : 300);
    world_.after(delay, [this, record] { arrive(record); });
  }
}

void SimLog::arrive(std::string record) {
  records_.push_back(std::move(record));
  const std::size_t through = records_.size();
  const Millis delay = world_.millis(0, world_.random.chance(0.1) ? 30 : 1);
  if (delay == Millis(0)) return show(through);
  world_.after(delay, [this, through] { show(through); });
}

void SimLog::change_leader() {
  records_.resize(
      static_cast<std::size_t>(world_.random.between(visible_, static_cast<std::int64_t>(records_.size()))));
}

// ---- One writer ----

void SimLog::append(std::string_view record, Appended done) {
  check(static_cast<Offset>(records_.size()) == visible_, "one append at a time, after a reopen()");
  if (world_.strikes(world_.faults.disk_full)) {
    world_.after(world_.millis(0, 2),
                 [done = std::move(done)] { done(fail(Code::insufficient_storage, "the disk is full")); });
    return;
  }
  records_.emplace_back(record);
  const bool in_doubt = world_.strikes(world_.faults.sync_in_doubt);
  const Millis delay =
      world_.strikes(world_.faults.sync_slow) ? world_.millis(20, 1'500) : world_.millis(0, 3);
  world_.after(delay, [this, in_doubt, number = ++appends_, done = std::move(done)] {
    if (number != appends_ || static_cast<Offset>(records_.size()) == visible_) return;  // It crashed.
    if (in_doubt) return done(fail(Code::unavailable, "disk I/O error"));
    show(records_.size());
    done(visible_);
  });
}

void SimLog::resolve(bool keep) {
  ++appends_;
  if (static_cast<Offset>(records_.size()) == visible_) return;
  if (keep)
    show(records_.size());
  else
    records_.resize(static_cast<std::size_t>(visible_));
}

void SimLog::crash() {
  const bool unsynced = static_cast<Offset>(records_.size()) > visible_;
  const bool keep = world_.random.chance(0.5);
  if (unsynced && !keep && world_.random.chance(0.5)) ++torn_;
  resolve(keep);
}

bool SimLog::reopen() {
  if (world_.strikes(world_.faults.reopen_fails)) return false;
  resolve(world_.random.chance(0.5));
  return true;
}

}  // namespace market::sim
