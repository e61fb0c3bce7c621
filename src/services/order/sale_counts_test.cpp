#include "services/order/sale_counts.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/task_group.hpp"
#include "tests/support/test_clock.hpp"

namespace market::order {
namespace {

/// Counts for a while, by the test's clock.
struct SlowSearch final : OrderSearch {
  explicit SlowSearch(tests::TestClock& time) : clock(time) {}
  Task<std::vector<WaitingOrder>> waiting(OrderState, Instant, WaitingOrder, int) override {
    co_return std::vector<WaitingOrder>();
  }
  Task<FoundPage> search(OrderQuery) override { co_return FoundPage(); }
  Task<OrderPtr> find(OrderId) override { co_return OrderPtr(); }
  Task<OrderCounts> count(ProductId) override {
    ++counted;
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    timer.expires_after(Millis(30));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    clock.advance(Millis(100));
    if (std::exchange(broken, false)) throw std::bad_alloc();
    if (away) co_return fail(Code::unavailable, "away");
    OrderCounts counts;
    counts.refunded[Currency{}] = counted;
    co_return counts;
  }
  tests::TestClock& clock;
  int counted = 0;
  bool away = false, broken = false;
};

class SaleCountsTest : public testing::Test {
 protected:
  asio::awaitable<void> ask(ProductId product) {
    auto found = co_await counts_.of(product);
    answers_.push_back(std::move(found));
  }
  using Answers = std::vector<Result<std::shared_ptr<const CountedOrders>>>;
  Answers of(ProductId product, int times = 1) {
    answers_.clear();
    io_.restart();
    for (int i = 0; i < times; ++i) tasks_.spawn(io_.get_executor(), ask(product));
    io_.run();
    return std::move(answers_);
  }
  asio::io_context io_;
  TaskGroup tasks_{"a report"};
  tests::TestClock clock_;
  SlowSearch search_{clock_};
  SaleCounts counts_{search_, clock_};
  Answers answers_;
};

TEST_F(SaleCountsTest, SixtyWhoAskAtOnceHaveItCountedOnce) {
  for (const auto& each : of(ProductId{1}, 60)) EXPECT_EQ((*each)->counts.refunded.at(Currency{}), 1);
  EXPECT_EQ(search_.counted, 1);
  EXPECT_EQ((*of(ProductId{2})[0])->counts.refunded.at(Currency{}), 2)
      << "another product is counted by itself";
}

TEST_F(SaleCountsTest, CountingRestsTenTimesAsLongAsItTook) {
  const Instant first = (*of(ProductId{1})[0])->as_of;
  clock_.advance(Millis(999));
  EXPECT_EQ((*of(ProductId{1})[0])->as_of, first);
  clock_.advance(Millis(1));
  EXPECT_GT((*of(ProductId{1})[0])->as_of, first);
  EXPECT_EQ(search_.counted, 2);
}

TEST_F(SaleCountsTest, AnExceptionEndsTheCounting) {
  search_.broken = true;
  EXPECT_TRUE(of(ProductId{1}).empty()) << "it was thrown";
  EXPECT_EQ(of(ProductId{1}).size(), 1u) << "and is counted by the next one";
  EXPECT_EQ(search_.counted, 2);
}

TEST_F(SaleCountsTest, AFailureIsNotKept) {
  search_.away = true;
  EXPECT_EQ(of(ProductId{1})[0].error().code, Code::unavailable);
  search_.away = false;
  EXPECT_TRUE(of(ProductId{1})[0]);
}

}  // namespace
}  // namespace market::order
