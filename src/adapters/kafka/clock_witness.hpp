#pragma once
/// What the broker's clock says about ours (docs/decisions/0057-append-time-is-the-witness.md). A slow broker
/// proves nothing: the append lies between sending and reading back, however long that takes.

#include <algorithm>
#include <atomic>

#include "base/time.hpp"

namespace market::kafka {

class ClockWitness {
 public:
  static constexpr Millis behind_max{1'000};  ///< By a record of others, which cannot prove the clock right.

  /// Of a record of our own: appended at `appended` by the broker's clock; sent and read back by ours.
  void told_by_own(Instant appended, Instant sent, Instant read) {
    const Millis ahead = std::max(Millis(0), sent - appended), behind = std::max(Millis(0), appended - read);
    off_.store((ahead - behind).count(), std::memory_order_relaxed);
  }
  /// Of any record: it was appended before it was read, nobody knows how long before.
  void told(Instant appended, Instant read) {
    if (appended - read > behind_max) off_.store((read - appended).count(), std::memory_order_relaxed);
  }
  /// How far our clock is off at least: above 0 it is ahead, below behind. 0: nothing says so. Any thread.
  Millis off() const { return Millis(off_.load(std::memory_order_relaxed)); }

 private:
  std::atomic<std::int64_t> off_{0};
};

}  // namespace market::kafka
