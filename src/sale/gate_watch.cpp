/// A disk that hangs: an append neither succeeds nor fails. Its commands are answered all the same when
/// `answer_time_max` has passed, and new ones at once, until the append ends.

#include <spdlog/spdlog.h>

#include <algorithm>

#include "sale/gate_pending.hpp"

namespace market::sale {
namespace {

constexpr Millis silence_tick{100};

std::int64_t millis_of(Instant at) {
  return std::max<std::int64_t>(at.time_since_epoch().count(), 1);
}

}  // namespace

/// `batch`: everything that waits for the writer's thread, decided or not.
void LogGate::begin_flight(std::span<Pending* const> batch, Instant now) {
  const std::scoped_lock lock(flight_mutex_);
  flight_ = batch;
  flying_ = true;
  given_up_ = false;
  flying_since_.store(millis_of(now), std::memory_order_relaxed);
}

/// True: the batch was answered meanwhile, and its frames are gone. Says the same until the next flight.
bool LogGate::end_flight() {
  const std::scoped_lock lock(flight_mutex_);
  if (!std::exchange(flying_, false)) return given_up_;
  given_up_ = hanging_.exchange(false);
  flight_ = {};
  flying_since_.store(0, std::memory_order_relaxed);
  if (given_up_) spdlog::info("the event log answers again");
  return given_up_;
}

void LogGate::watch_appends() {
  Millis tick = std::max(settings_.answer_time_max / 10, Millis(10));
  if (parts_.shared) tick = std::min(tick, silence_tick);
  std::unique_lock lock(flight_mutex_);
  while (!watch_wake_.wait_for(lock, tick, [this] { return !watching_; })) {
    if (parts_.shared) watch_silence();
    if (!flying_) continue;
    const auto since = Instant(Millis(flying_since_.load(std::memory_order_relaxed)));
    if (parts_.clock.now() - since < settings_.answer_time_max) continue;
    if (!hanging_.exchange(true)) {
      spdlog::error("the event log has not answered for {} ms: its disk hangs; orders are refused",
                    settings_.answer_time_max.count());
      const auto batch = std::exchange(flight_, {});
      refuse_all(batch, Error(Code::unavailable, "whether this happened is not known yet"));
    }
    refuse_queue(Error(Code::recovering, "the disk of the event log hangs; nothing happened"));
  }
}

/// A writer whose log is silent is at it for a second and more; whoever has not been decided need not wait.
void LogGate::watch_silence() {
  const bool silent = parts_.shared->is_silent();
  if (log_silent_.exchange(silent) != silent) {
    if (silent)
      spdlog::error("the event log is silent: new orders are refused until it answers");
    else
      spdlog::info("the event log answers again");
  }
  if (!silent) return;
  if (flying_) refuse_queue(log_is_silent());
  if (!remote_) return;
  remote_->refuse_unsent(log_is_silent());
  remote_->tick();
}

/// Of a log that nobody else writes: elsewhere another instance may sell.
void LogGate::note_unable(Instant now) {
  if (parts_.shared) return;
  std::int64_t none = 0;
  unable_since_.compare_exchange_strong(none, millis_of(now));
}

Millis LogGate::unable_for() const {
  const auto now = millis_of(parts_.clock.now());
  const auto stopped = unable_since_.load(std::memory_order_relaxed);
  const auto flying = flying_since_.load(std::memory_order_relaxed);
  Millis unable{0};
  for (const auto since : {stopped, flying})
    if (since != 0) unable = std::max(unable, Millis(now - since));
  return unable;
}

}  // namespace market::sale
