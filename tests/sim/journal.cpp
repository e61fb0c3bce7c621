#include "tests/sim/journal.hpp"

#include <algorithm>

namespace market::sim {

void SimJournal::write(std::span<const Event> events) {
  events_.insert(events_.end(), events.begin(), events.end());
  group_ends_.push_back(events_.size());
}

Position SimJournal::sync() {
  durable_ = events_.size();
  group_ends_.clear();
  return static_cast<Position>(durable_);
}

void SimJournal::take_back() {
  events_.resize(durable_);
  group_ends_.clear();
}

void SimJournal::keep_a_prefix() {
  const auto unsynced = static_cast<std::int64_t>(events_.size() - durable_);
  const std::size_t reached = durable_ + static_cast<std::size_t>(random_.between(0, unsynced));
  std::size_t whole = durable_;
  for (const std::size_t end : group_ends_)
    if (end <= reached) whole = end;
  torn_groups_ += whole != reached;
  events_.resize(whole);
  sync();
}

void SimJournal::crash() {
  keep_a_prefix();
  open_ = true;
}

Result<Position> SimJournal::append(std::span<const Event> events) {
  if (!open_) return fail(Code::unavailable, "the journal is not open");
  write(events);
  return sync();
}

Result<Position> SimJournal::reopen() {
  if (reopens_fail_) return fail(Code::unavailable, "the disk does not answer");
  if (!open_) keep_a_prefix();
  open_ = true;
  return static_cast<Position>(durable_);
}

Result<Position> SimJournal::end() {
  if (!open_) return fail(Code::unavailable, "the journal is not open");
  return static_cast<Position>(durable_);
}

Result<> SimJournal::read(Position after, const std::function<bool(Position, const Event&)>& each) {
  for (Position at = std::max(after, trimmed_); at < static_cast<Position>(durable_); ++at)
    if (!each(at + 1, events_[static_cast<std::size_t>(at)])) break;
  return {};
}

Result<> SimJournal::trim(Position through) {
  trimmed_ = std::max(trimmed_, std::min(through, static_cast<Position>(durable_)));
  return {};
}

}  // namespace market::sim
