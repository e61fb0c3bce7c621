#include "tests/support/memory_log.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace market {

void MemoryLog::fail_next(Failure failure) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(failure);
}

void MemoryLog::hang() {
  const std::lock_guard lock(mutex_);
  hangs_ = true;
}

void MemoryLog::go_on() {
  const std::lock_guard lock(mutex_);
  hangs_ = false;
  goes_on_.notify_all();
}

bool MemoryLog::holds_an_append() {
  const std::lock_guard lock(mutex_);
  return hangs_ && held_ > 0;
}

void MemoryLog::cut(std::size_t keep) {
  const std::lock_guard lock(mutex_);
  records_.resize(std::min(keep, records_.size()));
}

void MemoryLog::let_others_append(std::string record) {
  const std::lock_guard lock(mutex_);
  others_ = std::move(record);
}

bool MemoryLog::take(std::initializer_list<Failure> fitting, Failure& taken) {
  const auto found = std::find_first_of(failures_.begin(), failures_.end(), fitting.begin(), fitting.end());
  if (found == failures_.end()) return false;
  taken = *found;
  failures_.erase(found);
  return true;
}

Result<Offset> MemoryLog::append(std::string_view record) {
  check(!record.empty(), "a record has bytes");
  std::unique_lock lock(mutex_);
  ++held_;
  goes_on_.wait(lock, [this] { return !hangs_; });
  --held_;
  if (!writable_) {
    return fail(Code::unavailable, "the log failed before, and nobody has looked what is in it since");
  }
  Failure failure{};
  if (take({Failure::unknown_lost, Failure::unknown_stored, Failure::disk_full, Failure::taken}, failure))
    return carry_out(failure, record);
  records_.emplace_back(record);
  return static_cast<Offset>(records_.size());
}

tl::unexpected<Error> MemoryLog::carry_out(Failure failure, std::string_view record) {
  if (failure == Failure::disk_full) return fail(Code::insufficient_storage, "the disk is full");
  writable_ = false;
  if (failure == Failure::unknown_stored) records_.emplace_back(record);
  if (failure == Failure::taken) {
    records_.push_back(others_);
    return fail(Code::conflict, "another writer has appended to the log");
  }
  return fail(Code::unavailable, "the log failed; whether the record is stored is not known yet");
}

Result<> MemoryLog::look() {
  Failure failure{};
  if (take({Failure::read_fails}, failure)) return fail(Code::unavailable, "the log cannot be read");
  writable_ = true;
  return {};
}

Result<> MemoryLog::read(Offset from, const std::function<bool(Offset, std::string_view)>& each) {
  Offset next = std::max<Offset>(from, 1), end = 0;
  {
    const std::lock_guard lock(mutex_);
    if (auto looked = look(); !looked) return looked;
    end = static_cast<Offset>(records_.size()) + 1;
  }
  for (bool wanted = true; wanted && next < end; ++next) {
    const std::string* record = nullptr;
    {
      const std::lock_guard lock(mutex_);
      record = &records_[static_cast<std::size_t>(next - 1)];
    }
    wanted = each(next, *record);
  }
  return {};
}

Result<Offset> MemoryLog::end() {
  const std::lock_guard lock(mutex_);
  if (auto looked = look(); !looked) return fail(looked.error());
  return static_cast<Offset>(records_.size()) + 1;
}

}  // namespace market
