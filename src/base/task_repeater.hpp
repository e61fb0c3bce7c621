#pragma once
/// A coroutine that is carried out again and again on an executor, with a pause behind each time.
///
///   TaskRepeater task("sharing rate limits", [this] { return step(); });
///   task.start(executor);
///   task.stop();  // Before what it uses is gone.

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/task_group.hpp"

namespace market {

class TaskRepeater {
 public:
  /// Answers how long to wait before the next time; 0: not at all. What it throws is logged, and a second
  /// later it is carried out again.
  using Step = std::function<asio::awaitable<Millis>()>;

  TaskRepeater(std::string what, Step step) : what_(std::move(what)), step_(std::move(step)), tasks_(what_) {}
  ~TaskRepeater() { stop(); }
  void start(const asio::any_io_executor& executor);
  /// Not on the executor's thread. Waits for the step that is under way, five seconds at most.
  void stop();

 private:
  asio::awaitable<void> run(std::shared_ptr<asio::steady_timer> timer);

  const std::string what_;
  const Step step_;
  std::atomic<bool> stopping_{false};
  std::weak_ptr<asio::steady_timer> timer_;
  TaskGroup tasks_;
};

}  // namespace market
