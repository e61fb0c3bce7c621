#pragma once
/// The simulated disk under the log: what is written is durable only once it is synced. A crash keeps a
/// random prefix of what was not, perhaps with a torn group at the end, which opening the journal cuts away.

#include <vector>

#include "ports/event_log.hpp"
#include "tests/sim/random.hpp"

namespace market::sim {

class SimJournal final : public EventLog {
 public:
  explicit SimJournal(Random& random) : random_(random) {}

  // The steps of append(), one by one.
  void write(std::span<const Event> events);
  Position sync();
  /// The disk is full: nothing was written.
  void take_back();
  /// The sync failed: reopen() decides what became of the group.
  void doubt() { open_ = false; }

  void crash();
  void fail_reopens(bool failing) { reopens_fail_ = failing; }
  /// All events ever, also trimmed ones; for the checker.
  const std::vector<Event>& all_events() const { return events_; }
  int torn_groups() const { return torn_groups_; }

  Result<Position> append(std::span<const Event> events) override;
  Result<Position> reopen() override;
  Result<Position> end() override;
  Result<Position> begin() override { return trimmed_; }
  Result<> read(Position after, const std::function<bool(Position, const Event&)>& each) override;
  Result<> trim(Position through) override;

 private:
  void keep_a_prefix();

  Random& random_;
  std::vector<Event> events_;            ///< Written; those behind durable_ perhaps in vain.
  std::vector<std::size_t> group_ends_;  ///< Of the groups behind durable_.
  std::size_t durable_ = 0;
  Position trimmed_ = 0;
  bool open_ = true;
  bool reopens_fail_ = false;
  int torn_groups_ = 0;
};

}  // namespace market::sim
