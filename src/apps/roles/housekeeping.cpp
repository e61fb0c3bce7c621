#include "apps/roles/housekeeping.hpp"

#include <spdlog/spdlog.h>

#include "sale/gate_recovery.hpp"

namespace market::apps {
namespace {

constexpr Position rush_events = 5'000;  ///< In one tick.
/// A start folds up to this many times `log.snapshot_every` events: 3 million took 2.7 s.
constexpr Position rush_patience = 3;

}  // namespace

Housekeeping::Housekeeping(Parts parts, Settings settings, std::vector<std::function<void(Instant)>> also)
    : parts_(parts),
      settings_(settings),
      also_(std::move(also)),
      last_snapshot_(settings.snapshot_at),
      snapshot_before_(settings.snapshot_at),
      thread_([this] { run(); }) {}

Housekeeping::~Housekeeping() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Housekeeping::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, settings_.tick, [this] { return stopping_; })) {
    lock.unlock();
    watch_clock();
    for (const auto& job : also_) job(parts_.clock.now());
    snapshot_if_due();
    lock.lock();
  }
}

void Housekeeping::watch_clock() {
  const Millis step = parts_.clock.wall_step();
  if (step - known_step_ < Millis(1'000) && known_step_ - step < Millis(1'000)) return;
  spdlog::warn("the wall clock was stepped by {} ms; deadlines keep to the time since the start",
               (step - known_step_).count());
  known_step_ = step;
  clock_steps_.fetch_add(1, std::memory_order_relaxed);
}

void Housekeeping::snapshot_if_due() {
  const auto logged = parts_.log.end();
  if (!logged) return;
  const Position since_last_tick = *logged - std::exchange(logged_before_, *logged);
  const Position recorded = parts_.folder.position();
  const Position behind = recorded - last_snapshot_;
  if (behind < settings_.snapshot_every) return;
  // A snapshot folds all of `behind` once more: in a rush the buyers need the processor, and it waits.
  if (since_last_tick > rush_events && behind < settings_.snapshot_every * rush_patience) return;
  const auto made = sale::make_snapshot(parts_.log, parts_.snapshots, parts_.fold, recorded);
  if (!made) {
    spdlog::warn("no snapshot of the gate could be made: {}", made.error().detail);
    last_snapshot_ = recorded;  // Not again at once.
    return;
  }
  // One snapshot further back: the records' newest commits need not be on the disk yet.
  const Position trim_through = std::exchange(snapshot_before_, recorded);
  last_snapshot_ = recorded;
  snapshots_made_.fetch_add(1, std::memory_order_relaxed);
  if (settings_.keep_log) return;
  const auto trimmed = parts_.log.trim(trim_through);
  if (!trimmed) spdlog::warn("the log could not be trimmed: {}", trimmed.error().detail);
}

}  // namespace market::apps
