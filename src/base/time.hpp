#pragma once
/// Time as the whole platform sees it: milliseconds of UTC, from an injected clock only.

#include <chrono>
#include <string>

#include "base/result.hpp"

namespace market {

using Millis = std::chrono::milliseconds;
using Instant = std::chrono::time_point<std::chrono::system_clock, Millis>;

/// Time since the machine's start, its sleep included (CLOCK_BOOTTIME): what a paused machine slept through
/// has passed for everybody else.
Millis since_boot();

/// Where time comes from. The real one is the wall time at start plus the time since boot, so a step of the
/// wall clock moves no deadline; tests pass their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
 public:
  SystemClock();
  Instant now() const override;
  /// How far the wall clock has moved away from this clock since the start; an alarm is due beyond a second.
  Millis wall_step() const;

 private:
  Instant start_wall_;
  Millis start_;
};

/// The wall clock as it is now, steps and all: for times that other computers judge, such as those of access
/// tokens, and of rows that several instances share. Never for a deadline that this process alone keeps.
class WallClock final : public Clock {
 public:
  Instant now() const override;
};

/// RFC 3339, UTC, milliseconds: 2026-11-24T01:22:03.004Z. For years 0 to 9999.
std::string format_rfc3339(Instant at);
/// Writes exactly rfc3339_length characters: every answer about an order has four of them.
void format_rfc3339_to(Instant at, char* out);
inline constexpr std::size_t rfc3339_length = 24;
/// Errors: validation, unless `text` is an RFC 3339 date-time (any offset; fractions beyond ms are cut).
Result<Instant> parse_rfc3339(std::string_view text);
/// Durations of settings: `250ms`, `3s`, `10m`, `24h`. Errors: validation.
Result<Millis> parse_duration(std::string_view text);
/// The same in the largest unit that says it exactly.
std::string format_duration(Millis duration);

}  // namespace market
