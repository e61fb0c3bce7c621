#pragma once
/// Whoever acts on what the log says: told of every event that counts, in order, once. They learn from the
/// log, not from the route that made the event.

#include "domain/sale/event.hpp"

namespace market {

class LogFollower {
 public:
  virtual ~LogFollower() = default;
  /// The events of one group. Called on the log's own thread: must not block.
  virtual void follow(const CountedEvents& events) = 0;
};

}  // namespace market
