#pragma once
/// One log in memory that several gates write, each through a door of its own (ports/shared_log.hpp): what a
/// Kafka topic is to the gates. A door can be shut: then its gate hears nothing, and what it sends is lost,
/// or kept back and appended when the door opens.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ports/shared_log.hpp"

namespace market::tests {

class SharedMemory {
 public:
  Offset append(std::string_view record) {
    const std::scoped_lock lock(mutex_);
    records_.emplace_back(record);
    came_.notify_all();
    return static_cast<Offset>(records_.size());
  }
  Offset end() const {
    const std::scoped_lock lock(mutex_);
    return static_cast<Offset>(records_.size()) + 1;
  }
  /// As after a topic was deleted and made anew, or cut by an unclean election.
  void cut(std::size_t keep) {
    const std::scoped_lock lock(mutex_);
    records_.resize(std::min(keep, records_.size()));
  }
  std::vector<std::string> from(Offset offset) const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> found;
    for (auto i = static_cast<std::size_t>(offset - 1); i < records_.size(); ++i)
      found.push_back(records_[i]);
    return found;
  }
  void wait_for(Offset offset, Millis wait) const {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, wait, [&] { return static_cast<Offset>(records_.size()) >= offset; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::deque<std::string> records_;
};

class Door final : public SharedLog {
 public:
  explicit Door(SharedMemory& behind) : behind_(behind) {}

  Result<Offset> append(std::string_view record) override {
    if (shut_) {
      const std::scoped_lock lock(mutex_);
      if (keeps_back_) kept_back_.emplace_back(record);
      return fail(Code::unavailable, "the door is shut");
    }
    run_once(before_append_);
    return behind_.append(record);
  }
  Result<> read(Offset from, const std::function<bool(Offset, std::string_view)>& each) override {
    if (shut_) return fail(Code::unavailable, "the door is shut");
    run_once(before_read_);
    return give(from, each);
  }
  Result<Offset> end() override {
    if (shut_) return fail(Code::unavailable, "the door is shut");
    return behind_.end();
  }
  Result<> tail(Offset from, Millis wait,
                const std::function<bool(Offset, std::string_view)>& each) override {
    if (shut_) {
      std::this_thread::sleep_for(wait);
      return {};  // Silence is no error.
    }
    if (from > behind_.end()) return fail(Code::internal, "the log does not hold this offset");
    behind_.wait_for(from, wait);
    return give(from, each);
  }
  std::optional<Millis> clock_off() const override {
    if (!tells_time_) return std::nullopt;
    return clock_off_.load();
  }
  bool is_silent() const override { return silent_; }
  /// Nobody answers any more, or again.
  void fall_silent(bool silent = true) { silent_ = silent; }
  /// What it says of its gate's clock from now on.
  void say_clock_is_off(Millis by) {
    clock_off_ = by;
    tells_time_ = true;
  }
  void shut(bool keeps_back = false) {
    keeps_back_ = keeps_back;
    shut_ = true;
  }
  void open() {
    std::vector<std::string> late;
    {
      const std::scoped_lock lock(mutex_);
      shut_ = false;
      late.swap(kept_back_);
    }
    for (const auto& record : late) behind_.append(record);
  }
  /// Just before the next append, once: another writer is quicker.
  void before_append(std::function<void()> happens) {
    const std::scoped_lock lock(mutex_);
    before_append_ = std::move(happens);
  }
  /// The same of read(), which is not what follows the log: tail() is.
  void before_read(std::function<void()> happens) {
    const std::scoped_lock lock(mutex_);
    before_read_ = std::move(happens);
  }

 private:
  void run_once(std::function<void()>& happens) {
    std::function<void()> first;
    {
      const std::scoped_lock lock(mutex_);
      first = std::exchange(happens, nullptr);
    }
    if (first) first();
  }
  Result<> give(Offset from, const std::function<bool(Offset, std::string_view)>& each) {
    for (const auto& record : behind_.from(std::max<Offset>(from, 1)))
      if (!each(from++, record)) break;
    return {};
  }
  SharedMemory& behind_;
  std::atomic<bool> shut_{false}, tells_time_{false}, silent_{false};
  std::atomic<Millis> clock_off_{Millis(0)};
  std::atomic<bool> keeps_back_{false};
  std::vector<std::string> kept_back_;
  std::mutex mutex_;
  std::function<void()> before_append_, before_read_;
};

}  // namespace market::tests
