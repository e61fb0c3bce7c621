#pragma once
/// The read index: where the log ends, as the partition's leader says now. The client's call blocks, may hang
/// beyond its own time-out and may ask an old leader, so it has a handle and a thread of its own. One
/// question is shared by all that wait; each has a deadline. While nothing else is heard of Kafka it is asked
/// anyway: whether there is an answer tells whether anything can be written.

#include <atomic>
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
  /// A record came: Kafka is there. Any thread.
  void note_heard();
  /// Nothing was heard for a second, and a question is not answered. Any thread.
  bool is_silent() const;

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
  std::atomic<std::int64_t> heard_at_;             ///< Milliseconds of the steady clock.
  std::atomic<std::int64_t> unanswered_since_{0};  ///< Likewise; 0: every question was answered.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::kafka
