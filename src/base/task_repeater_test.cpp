#include "base/task_repeater.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

namespace market {
namespace {

class TaskRepeaterTest : public testing::Test {
 protected:
  ~TaskRepeaterTest() override {
    io_.stop();
    thread_.join();
  }
  void wait_until(int times) const {
    for (int i = 0; times_.load() < times && i < 10'000; ++i) std::this_thread::sleep_for(Millis(1));
    EXPECT_GE(times_.load(), times);
  }
  asio::awaitable<Millis> count(Millis pause) {
    ++times_;
    co_return pause;
  }
  asio::awaitable<Millis> throw_once() {
    if (++times_ == 1) throw std::runtime_error("asked for");
    co_return Millis(1);
  }
  TaskRepeater::Step step_with(Millis pause) {
    return [this, pause] { return count(pause); };
  }

  std::atomic<int> times_{0};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::thread thread_{[this] { io_.run(); }};
};

TEST_F(TaskRepeaterTest, GoesOnUntilItIsStopped) {
  TaskRepeater task("a test", step_with(Millis(1)));
  EXPECT_EQ(times_.load(), 0) << "it waits for its start";
  task.start(io_.get_executor());
  wait_until(3);
  task.stop();
  const int then = times_.load();
  std::promise<void> later;
  asio::post(io_, [&later] { later.set_value(); });
  later.get_future().get();
  EXPECT_EQ(times_.load(), then);
}

TEST_F(TaskRepeaterTest, WaitsForNoPauseWhenItIsStopped) {
  TaskRepeater task("a test", step_with(Millis(3'600'000)));
  task.start(io_.get_executor());
  wait_until(1);
  const auto began = std::chrono::steady_clock::now();
  task.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4));
  EXPECT_EQ(times_.load(), 1);
}

TEST_F(TaskRepeaterTest, WithoutAPauseGoesOnAtOnceAndEndsAllTheSame) {
  TaskRepeater task("a test", step_with(Millis(0)));
  task.start(io_.get_executor());
  wait_until(1'000);
  task.stop();
}

TEST_F(TaskRepeaterTest, GoesOnBehindAStepThatThrows) {
  TaskRepeater task("a test", [this]() -> asio::awaitable<Millis> {
    if (++times_ == 1) throw std::runtime_error("asked for");
    return count(Millis(1));
  });
  task.start(io_.get_executor());
  wait_until(3);
  task.stop();
}

TEST_F(TaskRepeaterTest, GoesOnBehindACoroutineThatThrows) {
  TaskRepeater task("a test", [this] { return throw_once(); });
  task.start(io_.get_executor());
  wait_until(3);
  task.stop();
}

TEST_F(TaskRepeaterTest, IsStoppedWithoutHavingBegun) {
  TaskRepeater task("a test", step_with(Millis(1)));
  task.stop();
  EXPECT_EQ(times_.load(), 0);
}

}  // namespace
}  // namespace market
