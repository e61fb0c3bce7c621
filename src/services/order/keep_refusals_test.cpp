#include "services/order/keep_refusals.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/support/fixed_board.hpp"
#include "tests/support/test_clock.hpp"

namespace market::order {
namespace {

constexpr ProductId shoes{7};

struct MemoryHistory final : RefusalHistory {
  Task<> add(std::vector<RefusedOrders> refused) override {
    if (throws-- > 0) throw std::runtime_error("asked for");
    if (full) co_return fail(Code::insufficient_storage, "full");
    if (while_added) std::exchange(while_added, nullptr)();
    for (auto& each : refused) all.push_back(std::move(each));
    co_return Result<>();
  }
  Task<std::vector<RefusedOrders>> of(ProductId) override { co_return all; }
  Task<> forget(Instant) override { co_return Result<>(); }
  std::vector<RefusedOrders> all;
  bool full = false;
  int throws = 0;
  std::function<void()> while_added;
};

class KeepRefusalsTest : public testing::Test {
 protected:
  KeepRefusalsTest() { board_.list(shoes, {}); }
  void run_for(Millis longest) {
    io_.restart();
    io_.run_for(longest);
  }
  asio::io_context io_;
  RefusalNotes notes_;
  MemoryHistory history_;
  tests::FixedBoard board_;
  tests::TestClock clock_;
  KeepRefusals keep_{notes_, history_, board_, clock_, io_.get_executor(), Millis(5)};
};

TEST_F(KeepRefusalsTest, WritesDownWhatThereIsAProductFor) {
  keep_.start();
  notes_.add(shoes, Code::sold_out, 3);
  notes_.add(ProductId{999'999}, Code::sold_out);
  run_for(Millis(50));
  ASSERT_EQ(history_.all.size(), 1u);
  EXPECT_EQ(history_.all[0].reason, "sold_out");
  EXPECT_EQ(history_.all[0].count, 3);
}

TEST_F(KeepRefusalsTest, GoesOnBehindAWriteThatThrows) {
  history_.throws = 2;
  keep_.start();
  notes_.add(shoes, Code::sold_out, 3);
  run_for(Millis(200));
  ASSERT_EQ(history_.all.size(), 1u);
  EXPECT_EQ(history_.all[0].count, 3);
}

TEST_F(KeepRefusalsTest, AStopWhileSomeAreWrittenLosesNoneThatCameMeanwhile) {
  history_.while_added = [this] {
    notes_.add(shoes, Code::sold_out, 4);
    EXPECT_FALSE(keep_.stop(Millis(0))) << "it does not wait: this is the thread that writes";
  };
  keep_.start();
  notes_.add(shoes, Code::sold_out, 3);
  run_for(Millis(2'000));
  std::int64_t all = 0;
  for (const RefusedOrders& each : history_.all) all += each.count;
  EXPECT_EQ(all, 7);
}

TEST_F(KeepRefusalsTest, WhatCannotBeWrittenIsWrittenLater) {
  history_.full = true;
  keep_.start();
  notes_.add(shoes, Code::sale_closed, 2);
  run_for(Millis(30));
  EXPECT_TRUE(history_.all.empty());
  history_.full = false;
  notes_.add(shoes, Code::sale_closed);
  run_for(Millis(50));
  ASSERT_EQ(history_.all.size(), 1u);
  EXPECT_EQ(history_.all[0].count, 3);
}

}  // namespace
}  // namespace market::order
