#pragma once
/// Runs one Task to its end on this thread; for commands and start-up on the main thread, never while
/// serving.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "base/task.hpp"

namespace market::apps {

template <class T>
Result<T> run_task(Task<T> task) {
  // Kept: a pool's thread may still be inside its post() when the answer is here already.
  thread_local asio::io_context io;
  io.restart();
  auto answer = asio::co_spawn(io, std::move(task), asio::use_future);
  io.run();
  return answer.get();
}

}  // namespace market::apps
