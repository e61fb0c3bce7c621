#pragma once
/// The event log: the truth. An order exists once its event is here, durably.
///
/// append() blocks and belongs to the gate's writer thread alone; read() and the others may be called from
/// any thread at any time, also while append() runs.

#include <functional>
#include <span>

#include "domain/sale/event.hpp"

namespace market {

class EventLog {
 public:
  virtual ~EventLog() = default;

  /// Appends all of `events` as one group and returns the position of the last one, when they are durable.
  /// Errors: unavailable (outcome unknown: the group may or may not be in the log; reopen() decides),
  /// insufficient_storage (the disk is full; nothing was written).
  virtual Result<Position> append(std::span<const Event> events) = 0;

  /// After `unavailable`: closes everything, opens again, checkpoints the WAL successfully and answers the
  /// position of the newest durable event. Errors: unavailable (try again later).
  virtual Result<Position> reopen() = 0;

  /// The newest durable position. Errors: unavailable.
  virtual Result<Position> end() = 0;

  /// The oldest position still kept, minus one (0 when nothing was trimmed). Errors: unavailable.
  virtual Result<Position> begin() = 0;

  /// Calls `each(position, event)` for all events with position > `after`, in order, until the end as it was
  /// at the call or until `each` answers false. Errors: unavailable, internal (a damaged entry; says where).
  virtual Result<> read(Position after, const std::function<bool(Position, const Event&)>& each) = 0;

  /// Forgets events with position <= `through`. Errors: unavailable.
  virtual Result<> trim(Position through) = 0;
};

}  // namespace market
