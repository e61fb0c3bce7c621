#pragma once
/// A clock for ids of ordinary rows: lists are in their order, and stay so when the clock was set back while
/// the server was down.

#include <algorithm>

#include "base/id.hpp"

namespace market::apps {

class IdClock final : public Clock {
 public:
  /// `greatest`: the greatest id that was given before.
  IdClock(const Clock& clock, std::int64_t greatest) : clock_(clock), least_(clock.now()) {
    constexpr int bits_below = 22;  // Of an id, below its milliseconds (base/id.hpp).
    const auto ahead = (greatest - first_id_of(least_)) >> bits_below;
    if (ahead >= 0) least_ += Millis(ahead + 1);
  }
  Instant now() const override { return std::max(clock_.now(), least_); }

 private:
  const Clock& clock_;
  Instant least_;
};

}  // namespace market::apps
