#pragma once
/// What follows the log with an effect outside: mails, webhooks. It keeps its own place, and is told what
/// lies behind that place, also after a restart: nothing is lost, and what comes again can be known by its
/// place.

#include <optional>
#include <vector>

#include "base/task.hpp"
#include "domain/sale/event.hpp"

namespace market {

/// How far somebody has read the log.
struct FollowedTo {
  LogId log;
  std::uint64_t term = 0;
  Place last = 0;              ///< The last place that counted, as far as was read.
  std::int64_t next = 1;       ///< The offset of the next record.
  std::uint64_t checksum = 0;  ///< Of the record before it.
  Place done = 0;              ///< Events up to here have had their effect: never before `last`.
  friend bool operator==(const FollowedTo&, const FollowedTo&) = default;
};

/// Whether a place up to which there was nothing to do may be kept in memory alone. What lies behind `stored`
/// is read again after a crash: at most so many events, and records, which a log has also when nothing is
/// sold.
inline bool may_stay_unstored(const FollowedTo& stored, const FollowedTo& to, Place events_max) {
  constexpr std::int64_t unstored_records_max = 20'000;  // Two hours' signs of life.
  return to.done - stored.done < events_max && to.next - stored.next < unstored_records_max;
}

class LogEffect {
 public:
  struct Follower {
    std::int64_t id = 0;  ///< Of its own.
    std::optional<FollowedTo>
        at;  ///< None: from the end of the log on, as it was at the start of the process.
  };

  virtual ~LogEffect() = default;
  /// Another process is the one whose effects count: what it does is not known here. Before any of the next.
  virtual void rest() {}
  /// Those that wait for events, and have room for some. Errors: any; asked again a little later.
  virtual Task<std::vector<Follower>> followers() = 0;
  /// Takes the events and remembers `to`, at once and durably, or neither. The events are in order, and all
  /// behind the follower's place; there may be none. Errors: any; told again a little later.
  virtual Task<> take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) = 0;
};

}  // namespace market
