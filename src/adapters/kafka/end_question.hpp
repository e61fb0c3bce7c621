#pragma once
/// The read index: where the log ends, as the partition's leader says now. The client's call blocks, may hang
/// beyond its own time-out and may ask an old leader, so it has a handle and a thread of its own. One
/// question is shared by all that wait; each has a deadline.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/kafka/reader.hpp"

namespace market::kafka {

class EndQuestion {
 public:
  EndQuestion(const Connection& connection, const std::string& topic);
  ~EndQuestion();

  /// The offset of the next record, asked for after this call began. Any thread. Errors: unavailable (no
  /// answer in time).
  Result<Offset> ask(Millis deadline);
  /// How long ago the leader answered last; none: never.
  std::optional<Millis> silent_for() const;

 private:
  void run();

  const std::string topic_;
  Handle handle_;
  mutable std::mutex mutex_;
  std::condition_variable asked_, answered_;
  std::uint64_t wanted_ = 0;  ///< Questions begun up to this one are wanted.
  std::uint64_t begun_ = 0;   ///< The question that is under way, or was last.
  std::uint64_t done_ = 0;    ///< The question that was answered last.
  Result<Offset> answer_ = fail(Code::unavailable, "the log's end was not asked for yet");
  std::optional<std::chrono::steady_clock::time_point> heard_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::kafka
