#pragma once
/// Events that carry their own position, so that a test sees at once which are missing, doubled or moved.

#include <vector>

#include "ports/event_log.hpp"

namespace market::tests {

inline Event numbered_event(Position position) {
  Event event;
  event.at = Instant(Millis(1'700'000'000'000 + position));
  event.fact = StockAdjusted{ProductId{7}, position, "numbered"};
  return event;
}

/// `count` events that belong behind `end`.
inline std::vector<Event> numbered_group(Position end, Position count) {
  std::vector<Event> events;
  for (Position position = end + 1; position <= end + count; ++position)
    events.push_back(numbered_event(position));
  return events;
}

inline Position number_of(const Event& event) {
  return std::get<StockAdjusted>(event.fact).delta;
}

/// The positions behind `after`; each event must carry its own, else -1 stands in its place.
inline std::vector<Position> positions_behind(EventLog& log, Position after) {
  std::vector<Position> found;
  const auto read = log.read(after, [&](Position position, const Event& event) {
    found.push_back(number_of(event) == position ? position : -1);
    return true;
  });
  if (!read) found.push_back(-2);
  return found;
}

}  // namespace market::tests
