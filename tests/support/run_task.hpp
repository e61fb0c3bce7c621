#pragma once
/// Runs a Task to its end on this thread.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "base/task.hpp"

namespace market::tests {

/// Contexts outlive every pool and gate of a test: their thread may still be inside its post() when the
/// answer is there.
class Contexts {
 public:
  std::unique_ptr<asio::io_context> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<asio::io_context>();
    auto one = std::move(free_.back());
    free_.pop_back();
    one->restart();
    return one;
  }
  void give_back(std::unique_ptr<asio::io_context> one) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(one));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<asio::io_context>> free_;
};
inline Contexts& contexts() {
  static Contexts all;
  return all;
}

template <class T>
Result<T> run(Task<T> task) {
  auto io = contexts().take();
  auto answer = asio::co_spawn(*io, std::move(task), asio::use_future);
  io->run();
  contexts().give_back(std::move(io));
  return answer.get();
}

}  // namespace market::tests
