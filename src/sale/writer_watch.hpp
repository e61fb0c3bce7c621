#pragma once
/// When an instance that follows a shared log should become its writer: a question of liveness alone, since
/// the log's rule keeps any number of writers safe. No thread, clock or I/O.
///
/// The writer's sign of life is in the log: a group at least every `sign_of_life_every`, a barrier when there
/// is nothing else (docs/decisions/0031-sign-of-life-in-the-log.md). So a writer that cannot write is silent,
/// and a follower hears it exactly as long as it hears the log.

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.hpp"

namespace market::sale {

struct WatchSettings {
  Millis sign_of_life_every{400};
  Millis silence_max{1'200};  ///< Longer than this without one, and another opens.
  Millis jitter_max{200};     ///< Drawn anew for each silence, so that few open at once.
  Millis tick_late_max{200};  ///< Whoever was late itself has no right to call others silent.
  Millis calm_after{30'000};  ///< Each term opened in the last so long doubles the silence, up to …
  /// … more than a writer is silent on the slowest log that can be written (apps/roles/sale_core.cpp).
  Millis silence_doubled_max{2'000};

  /// The last sign of life came just before the writer died: so long, at most, until another opens.
  constexpr Millis silence_longest() const { return silence_doubled_max + jitter_max + tick_late_max; }
};

class WriterWatch {
 public:
  WriterWatch(WatchSettings settings, std::uint64_t seed) : settings_(settings), random_(seed) {}

  /// A record that counts came, by whoever writes.
  void heard(Instant now);
  /// A term began: an Open counts.
  void opened(Instant now);
  /// The log says that there is no writer any more to wait for: it has handed over.
  void left() { left_ = true; }
  /// To be called often: a gap between two calls is this instance's own pause.
  void tick(Instant now);
  /// Whether it is time to open; the caller makes sure first that it has followed the log to its end.
  bool should_open(Instant now) const;
  /// Whether the writer, being us, owes a sign of life.
  bool owes_sign_of_life(Instant now) const { return now - last_heard_ >= settings_.sign_of_life_every; }
  Millis silence_before_open(Instant now) const;

 private:
  Millis draw();

  const WatchSettings settings_;
  std::uint64_t random_;
  Instant last_heard_{}, last_tick_{};
  Millis jitter_{0};
  bool left_ = false;
  std::deque<Instant> terms_;
};

}  // namespace market::sale
