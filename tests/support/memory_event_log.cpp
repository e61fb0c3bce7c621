#include "tests/support/memory_event_log.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace market {

void MemoryEventLog::fail_next(Failure failure) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(failure);
}

std::size_t MemoryEventLog::groups() const {
  const std::lock_guard lock(mutex_);
  return group_ends_.size();
}

bool MemoryEventLog::take(std::initializer_list<Failure> fitting, Failure& taken) {
  const auto found = std::find_first_of(failures_.begin(), failures_.end(), fitting.begin(), fitting.end());
  if (found == failures_.end()) return false;
  taken = *found;
  failures_.erase(found);
  return true;
}

Result<Position> MemoryEventLog::append(std::span<const Event> events) {
  check(!events.empty(), "a group has events");
  const std::lock_guard lock(mutex_);
  if (!writable_) return fail(Code::unavailable, "the event log failed before and is not open again yet");
  Failure failure{};
  const bool fails = take({Failure::unknown_lost, Failure::unknown_stored, Failure::disk_full}, failure);
  if (fails && failure == Failure::disk_full) return fail(Code::insufficient_storage, "the disk is full");
  if (!fails || failure == Failure::unknown_stored) {
    events_.insert(events_.end(), events.begin(), events.end());
    group_ends_.push_back(trimmed_ + static_cast<Position>(events_.size()));
  }
  if (fails) {
    writable_ = false;
    return fail(Code::unavailable, "whether the change is stored is not known yet");
  }
  return group_ends_.back();
}

Result<Position> MemoryEventLog::reopen() {
  const std::lock_guard lock(mutex_);
  writable_ = false;
  Failure failure{};
  if (take({Failure::reopen_fails}, failure))
    return fail(Code::unavailable, "the event log cannot be opened");
  writable_ = true;
  return trimmed_ + static_cast<Position>(events_.size());
}

Result<Position> MemoryEventLog::end() {
  const std::lock_guard lock(mutex_);
  if (!writable_) return fail(Code::unavailable, "the event log failed and is not open again yet");
  return trimmed_ + static_cast<Position>(events_.size());
}

Result<Position> MemoryEventLog::begin() {
  const std::lock_guard lock(mutex_);
  return trimmed_;
}

Result<> MemoryEventLog::read(Position after, const std::function<bool(Position, const Event&)>& each) {
  std::vector<Event> copy;
  Position position = 0;
  {
    // Copied, so that `each` may call this log.
    const std::lock_guard lock(mutex_);
    Failure failure{};
    if (take({Failure::read_fails}, failure)) return fail(Code::unavailable, "the event log cannot be read");
    position = std::clamp(after, trimmed_, trimmed_ + static_cast<Position>(events_.size()));
    copy.assign(events_.begin() + (position - trimmed_), events_.end());
  }
  for (const auto& event : copy) {
    if (!each(++position, event)) break;
  }
  return {};
}

Result<> MemoryEventLog::trim(Position through) {
  const std::lock_guard lock(mutex_);
  while (group_ends_.size() > 1 && group_ends_.front() <= through) {
    events_.erase(events_.begin(), events_.begin() + (group_ends_.front() - trimmed_));
    trimmed_ = group_ends_.front();
    group_ends_.erase(group_ends_.begin());
  }
  return {};
}

}  // namespace market
