#pragma once
/// An event log in memory, for tests and simulations: what was appended survives reopen() and nothing else.
/// Failures are asked for one by one; each hits the next call that it fits.

#include <deque>
#include <mutex>
#include <vector>

#include "ports/event_log.hpp"

namespace market {

class MemoryEventLog final : public EventLog {
 public:
  Result<Position> append(std::span<const Event> events) override;
  Result<Position> reopen() override;
  Result<Position> end() override;
  Result<Position> begin() override;
  Result<> read(Position after, const std::function<bool(Position, const Event&)>& each) override;
  Result<> trim(Position through) override;

  enum class Failure {
    unknown_lost,    ///< append() answers unavailable; the group is not in the log after reopen().
    unknown_stored,  ///< append() answers unavailable; the group is in the log after reopen().
    disk_full,       ///< append() answers insufficient_storage; nothing was written.
    reopen_fails,    ///< reopen() answers unavailable.
    read_fails,      ///< read() answers unavailable.
  };
  /// The n-th failure of a kind hits the n-th call that it fits.
  void fail_next(Failure failure);
  std::size_t groups() const;

 private:
  bool take(std::initializer_list<Failure> fitting, Failure& taken);

  mutable std::mutex mutex_;
  std::deque<Event> events_;  ///< Of the positions trimmed_ + 1 …
  std::vector<Position> group_ends_;
  Position trimmed_ = 0;
  bool writable_ = true;
  std::vector<Failure> failures_;
};

}  // namespace market
