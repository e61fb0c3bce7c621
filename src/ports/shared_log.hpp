#pragma once
/// A log that several processes read and write (ports/log.hpp). Whoever appends learns from the answered
/// offset whether records of others lie before its own: append() never answers `conflict` here, since nothing
/// keeps others away. Which of them count is told by the log's rule alone.

#include <optional>

#include "base/time.hpp"
#include "ports/log.hpp"

namespace market {

class SharedLog : public Log {
 public:
  /// Gives the records at `from` and behind it that have come here by themselves, in order, and waits for the
  /// first one for `wait` at most. Unlike read() it asks nobody where the log ends. The thread of append()
  /// only. Errors: unavailable, internal (the log no longer holds `from`: it was cut, trimmed or made anew).
  virtual Result<> tail(Offset from, Millis wait,
                        const std::function<bool(Offset, std::string_view)>& each) = 0;
  /// How far this process's clock is off at least, by the times at which the log itself says that records
  /// were appended: above 0 it is ahead, below behind, 0: nothing says so. A record of our own tells anew.
  /// None: the clock is held against nothing. Any thread.
  virtual std::optional<Millis> clock_off() const { return std::nullopt; }
  /// Nothing has been heard of it for a second, and it does not say where it ends: nothing new can be written
  /// now. Any thread, never waits.
  virtual bool is_silent() const { return false; }
};

}  // namespace market
