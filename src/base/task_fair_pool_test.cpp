#include "base/task_fair_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <stdexcept>

namespace market {
namespace {

/// One thread that is busy until open() is called; what is asked meanwhile waits.
class FairPoolTest : public testing::Test {
 protected:
  FairPoolTest() {
    ask("first", [this, opened = gate_.get_future().share()] {
      begun_.set_value();
      opened.wait();
      return Result<>();
    });
    io_.poll();
    begun_.get_future().wait();
  }
  /// `work` must outlive the pool.
  void ask(std::string client, std::function<Result<>()> work) {
    asio::co_spawn(
        io_, pool_.run(client, std::move(work)), [this, client](std::exception_ptr, Result<> answer) {
          if (!answer)
            refused_.push_back(client + ": " + std::to_string(static_cast<int>(answer.error().code)));
        });
    io_.poll();
  }
  void ask(const std::string& client) {
    ask(client, [this, client] {
      done_.push_back(client);
      return Result<>();
    });
  }
  void open() {
    gate_.set_value();
    pool_.stop();
    io_.restart();
    io_.run();
  }
  std::string refusal(const std::string& client, Code code = Code::overloaded) {
    return client + ": " + std::to_string(static_cast<int>(code));
  }

  asio::io_context io_;
  std::promise<void> gate_, begun_;
  std::vector<std::string> done_, refused_;
  FairPool pool_{1, 4};
};

TEST_F(FairPoolTest, ClientsTakeTurns) {
  for (const auto* client : {"a", "a", "a", "b"}) ask(client);
  open();
  EXPECT_EQ(done_, (std::vector<std::string>{"a", "b", "a", "a"}));
  EXPECT_TRUE(refused_.empty());
}

TEST_F(FairPoolTest, WhoHasTheMostGivesWay) {
  for (int i = 0; i < 5; ++i) ask("a");
  EXPECT_EQ(refused_, std::vector{refusal("a")}) << "there is room for four";
  ask("b");
  ask("c");
  EXPECT_EQ(refused_, (std::vector<std::string>{refusal("a"), refusal("a"), refusal("a")}));
  ask("d");
  EXPECT_EQ(refused_.back(), refusal("a"));
  ask("e");
  EXPECT_EQ(refused_.back(), refusal("e")) << "all have one";
  open();
  EXPECT_EQ(done_, (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(FairPoolTest, AnExceptionEndsThatWorkAlone) {
  ask("a", []() -> Result<> { throw std::runtime_error("a bug"); });
  ask("b");
  open();
  EXPECT_EQ(refused_, std::vector{refusal("a", Code::internal)});
  EXPECT_EQ(done_, std::vector<std::string>{"b"});
}

TEST_F(FairPoolTest, WorkThatTookTooLongIsOverloaded) {
  ask("a", []() -> Result<> { throw OutOfTime("it took too long"); });
  open();
  EXPECT_EQ(refused_, std::vector{refusal("a")});
}

TEST(BlockingPool, AnExceptionEndsThatWorkAlone) {
  asio::io_context io;
  BlockingPool pool(1, 10);
  Result<> failed, after = fail(Code::unavailable, "not asked");
  asio::co_spawn(io, pool.run([]() -> Result<> { throw std::runtime_error("a bug"); }),
                 [&](std::exception_ptr, Result<> answer) { failed = answer; });
  io.run();
  io.restart();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::internal);
  EXPECT_EQ(pool.waiting(), 0) << "its place is free again";
  asio::co_spawn(io, pool.run([] { return Result<>(); }),
                 [&](std::exception_ptr, Result<> answer) { after = answer; });
  io.run();
  EXPECT_TRUE(after);
}

}  // namespace
}  // namespace market
