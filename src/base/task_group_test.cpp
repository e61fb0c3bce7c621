#include "base/task_group.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>
#include <thread>

namespace market {
namespace {

asio::awaitable<void> sleep(asio::io_context& io, Millis time, int& ended) {
  asio::steady_timer timer(io, time);
  co_await timer.async_wait(asio::use_awaitable);
  ++ended;
}
asio::awaitable<void> fail_at_once() {
  throw std::runtime_error("as planned");
  co_return;
}

TEST(TaskGroupTest, WaitsForAllOfThem) {
  asio::io_context io;
  TaskGroup group("a sleeper");
  int ended = 0;
  for (int i = 0; i < 3; ++i) group.spawn(io.get_executor(), sleep(io, Millis(20), ended));
  EXPECT_EQ(group.running(), 3u);
  std::thread runner([&io] { io.run(); });
  EXPECT_TRUE(group.wait(Millis(10'000)));
  runner.join();
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(group.running(), 0u);
}

TEST(TaskGroupTest, OneThatThrowsHasEnded) {
  asio::io_context io;
  TaskGroup group("a failing one");
  group.spawn(io.get_executor(), fail_at_once());
  io.run();
  EXPECT_EQ(group.running(), 0u);
}

TEST(TaskGroupTest, SaysWhenSomeDoNotEnd) {
  TaskGroup group("a sleeper");
  int ended = 0;
  {
    asio::io_context io;
    group.spawn(io.get_executor(), sleep(io, Millis(100'000), ended));
    io.poll();
    EXPECT_FALSE(group.wait(Millis(10)));
  }
  EXPECT_EQ(group.running(), 0u) << "its io_context is gone, and it with it";
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace market
