#pragma once
/// The one way to start a coroutine that nobody awaits: it is counted, what it throws is logged, and whoever
/// started it waits for its end.
///
///   TaskGroup group("a probe");
///   group.spawn(executor, probe(shared));
///   …                                    // Tell them to end: a flag, a cancelled timer, a closed socket.
///   group.wait(Millis(2'000));           // Before what they use is gone.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "base/task.hpp"
#include "base/time.hpp"

namespace market {

class TaskGroup {
 public:
  /// `what`: begins the line in the log when one of them throws.
  explicit TaskGroup(std::string what) : shared_(std::make_shared<Shared>(std::move(what))) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(const asio::any_io_executor& executor, asio::awaitable<void> work);
  /// Started and not ended. One whose io_context was destroyed has ended.
  std::size_t running() const;
  /// Not on a thread that runs the work. False: some are still running.
  bool wait(Millis longest);

 private:
  struct Shared {
    explicit Shared(std::string name) : what(std::move(name)) {}
    const std::string what;
    mutable std::mutex mutex;
    std::condition_variable ended;
    std::size_t running = 0;
  };
  /// Held by the work's completion, which is called or destroyed: in both cases it has ended.
  class Token;
  std::shared_ptr<Shared> shared_;
};

}  // namespace market
