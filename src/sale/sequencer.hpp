#pragma once
/// The sequencer: who gets a unit, in which order. It decides commands on its state, makes groups of events
/// for the log, and follows what the log says. No thread, I/O or clock: the same class runs in production, on
/// every log, and in the simulation.
///
///   writer:   decide(command, …) …; log.append(seal()); counted();  answer
///   reader:   follow(offset, record) for each record of the log
///
/// One group is in flight at most. Until it is read back, or another Open counts, the same bytes are sent
/// again and nothing else; if an Open comes first, the group is undone.

#include <deque>
#include <functional>
#include <map>

#include "domain/sale/apply.hpp"
#include "domain/sale/decide.hpp"
#include "ports/log.hpp"
#include "ports/order_records.hpp"
#include "sale/key_filter.hpp"
#include "sale/log_rule.hpp"

namespace market::sale {

struct SequencerSettings {
  DecideRules rules;
  std::size_t group_events_max = 4'096;
  std::size_t group_bytes_max = 512 << 10;
  /// Bytes that are no whole record are somebody else's, and ignored; else they are damage, and an error.
  bool foreign_bytes_ignored = false;
  Millis clock_ahead_max{2'000};  ///< The log's time is held for so long when the own clock is behind it.
};

/// Where the followed part of the log ends.
struct LogEnd {
  LogRule::Point point;
  Offset next = 1;             ///< The offset of the next record.
  std::uint64_t checksum = 0;  ///< Of the record before it; 0: there is none.
  friend bool operator==(const LogEnd&, const LogEnd&) = default;
};

/// What was looked up in the records for a command: about its order, and its key.
struct LookedUp {
  OrderPtr order;
  std::optional<BoundKey> bound;
  Place order_as_of = -1, key_as_of = -1;  ///< How far the records were; -1: not looked up.
};

class Sequencer {
 public:
  Sequencer(SequencerSettings settings, KeyFilter& keys) : settings_(settings), keys_(keys) {}

  // ---- Following the log ----

  struct Followed {
    CountedEvents events;  ///< Of a group that counts; null otherwise.
    bool own = false;      ///< It was the group in flight.
    bool opened = false;   ///< An Open that counts; the group in flight, if any, is undone.
  };
  /// The record at `offset`, the next one. Errors: internal: a record that counts cannot be read, or what was
  /// followed before is not what lies there; nothing behind it may be followed.
  Result<Followed> follow(Offset offset, std::string_view record);

  // ---- Writing ----

  /// The record that makes this sequencer the writer, once it counts. `log`: for the first Open of an empty
  /// log.
  std::string open(wire::Term nonce, LogId log, Instant now, std::string instance, std::string address) const;
  /// Of the newest Open; empty: there is none, or it was written by whoever has the log alone.
  const std::string& writer_address() const { return writer_address_; }
  /// Whether our Open is the newest. `nonce`: that of the last open().
  bool writes(wire::Term nonce) const { return nonce != 0 && end_.point.term == nonce; }

  enum class Missing : std::uint8_t { nothing, order, key };
  struct Outcome {
    /// The command made this event of the group; -1: none.
    int event = -1;
    bool full = false;  ///< Not decided: the group is full; send it first.
    /// Not decided: what must be looked up in the records, as they are from missing_since on.
    Missing missing = Missing::nothing;
    bool replayed = false;
    std::int64_t subject = 0;  ///< Of the event, or what the key was bound to, or what the command is about.
    std::optional<Error> refused;
  };
  /// Decides one command, on top of the group that is being made. Only while writes() and nothing is in
  /// flight.
  Outcome decide(const Command& command, const LookedUp& looked_up, Instant now);
  /// Looks at what decide() will look at, for a few commands in turn: so their misses of the cache, one or
  /// two hundred nanoseconds each, overlap. The sum means nothing; it keeps the reads alive.
  std::size_t read_ahead(const Command& command) const;
  /// The answer to a command whose key is bound: needs nobody who may write. None: the key is not bound, or
  /// that is not known while a group is in flight.
  std::optional<Outcome> replay(const Command& command, const LookedUp& looked_up);
  /// Expires what is due, as far as the group has room.
  void expire_due(Instant now);
  /// While another writes: drops the deadlines that are over, so that they do not pile up.
  void skip_due(Instant now);
  /// A group of one event that changes nothing.
  void barrier(Instant now);

  bool has_group() const { return !making_.empty(); }
  const Event& event_made(int index) const { return making_[static_cast<std::size_t>(index)]; }
  /// Ends the group being made and puts it in flight: the record to append, valid until it has counted or is
  /// undone.
  std::string_view seal();
  bool in_flight() const { return in_flight_ != nullptr; }
  /// The record in flight again, for a repeated append.
  std::string_view in_flight_record() const { return record_; }
  /// The record in flight was appended at `offset`, durably, and is the next one there: it counts.
  CountedEvents counted(Offset offset);
  /// Takes the group in flight back. Only when the log has certainly not got it.
  void abandon();

  // ---- Memory ----

  /// What closed orders and keys the records have up to `recorded` leaves memory.
  void forget(Place recorded);
  /// An older reading of the records may miss what was forgotten.
  Place forgotten_through() const { return forgotten_through_; }
  /// The earliest moment at which expire_due() may have something to do.
  std::optional<Instant> next_deadline() const;

  const SaleState& state() const { return state_; }
  const LogEnd& end() const { return end_; }
  /// The newest time in the log: of an event or an Open.
  Instant last_sign_of_life() const { return std::max(state_.numbers.last_at, last_open_at_); }
  /// How often the own clock was further behind the log than clock_ahead_max.
  std::uint64_t clock_alarms() const { return clock_alarms_; }
  /// The own time, held while the log's last event is a little ahead.
  Instant time(Instant own);

  /// Told of what each group that counts has overwritten, whoever wrote it, before it is dropped (snapshots).
  void on_settled(std::function<void(const UndoLog&)> hook) { settled_hook_ = std::move(hook); }

  /// For a start from a snapshot.
  struct Memory {
    SaleState state;
    LogEnd end;
    Place forgotten_through = 0;
    Instant last_open_at{};
    std::string writer_address;
  };
  void restore(Memory memory);
  Instant last_open_at() const { return last_open_at_; }

 private:
  struct Closed {
    Place place;
    OrderId order;
  };
  struct Bound {
    Place place;
    RequestKey key;
    std::int64_t subject;
  };
  static void answer_as_bound(Outcome& outcome, const Command& command, const BoundKey& bound);
  Missing missing_for(const Command& command, const LookedUp& looked_up);
  void admit(const Order& order, Place as_of);
  Error refusal_of(const Command& command, Instant now);
  void make(Event event);
  void settle(const std::vector<CountedEvent>& events);
  void remember(const CountedEvent& counted);
  void add_deadline(Instant at, OrderId order);
  void advance(Offset offset, std::string_view record);
  void take_back();

  const SequencerSettings settings_;
  KeyFilter& keys_;
  SaleState state_;
  LogRule rule_;
  LogEnd end_;
  Instant last_open_at_{};
  std::string writer_address_;
  std::uint64_t clock_alarms_ = 0;

  // The group that is being made, then in flight; applied to the state already.
  UndoLog undo_;
  wire::GroupWriter writer_;
  std::vector<Event> making_;
  std::shared_ptr<std::vector<CountedEvent>> in_flight_;
  std::string_view record_;

  /// Orders by the tick in which they become due.
  std::map<std::int64_t, std::deque<OrderId>> deadlines_;
  std::deque<Closed> closed_;
  std::deque<Bound> bound_;
  Place forgotten_through_ = 0;
  std::function<void(const UndoLog&)> settled_hook_;
};

}  // namespace market::sale
