#pragma once
/// One thread for work that belongs to no connection.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "base/task.hpp"

namespace market::apps {

class BackgroundThread {
 public:
  BackgroundThread() : work_(asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {}
  ~BackgroundThread() { stop(); }
  /// What is under way there ends at its next wait.
  void stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  asio::any_io_executor executor() { return io_.get_executor(); }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace market::apps
