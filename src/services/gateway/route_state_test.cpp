#include "services/gateway/route_state.hpp"

#include <gtest/gtest.h>

#include "services/gateway/retry_budget.hpp"

namespace market::gateway {
namespace {

using Breaker = RouteState::Breaker;

struct BreakerTest : testing::Test {
  void answer(int ok, int failed, std::int64_t now_ms) {
    for (int i = 0; i < ok; ++i) state.report(settings, Breaker::closed, false, now_ms);
    for (int i = 0; i < failed; ++i) state.report(settings, Breaker::closed, true, now_ms);
  }
  BreakerSettings settings;
  RouteState state;
};

TEST_F(BreakerTest, OpensAtHalfAndOnlyWithEnoughProof) {
  answer(0, 19, 0);
  EXPECT_EQ(state.ask(settings, 0), Breaker::closed);
  answer(0, 1, 0);
  EXPECT_EQ(state.ask(settings, 0), Breaker::open);
}

TEST_F(BreakerTest, StaysClosedBelowItsShare) {
  answer(60, 40, 0);
  EXPECT_FALSE(state.is_open());
  answer(0, 19, 11'000);  // Another window.
  EXPECT_FALSE(state.is_open());
}

TEST_F(BreakerTest, LetsOneProbeDecide) {
  answer(0, 20, 0);
  EXPECT_EQ(state.ask(settings, 2000), Breaker::half_open);
  EXPECT_EQ(state.ask(settings, 2000), Breaker::open);
  state.report(settings, Breaker::half_open, true, 2100);
  EXPECT_EQ(state.ask(settings, 4000), Breaker::open);
  EXPECT_EQ(state.ask(settings, 4100), Breaker::half_open);
  state.give_back(Breaker::half_open);
  EXPECT_EQ(state.ask(settings, 4100), Breaker::half_open);
  state.report(settings, Breaker::half_open, false, 4200);
  EXPECT_EQ(state.ask(settings, 4200), Breaker::closed);
}

TEST(RetryBudget, IsATenthOfTheRequests) {
  RetryBudget budget(3);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) {
    budget.count_request();
    taken += budget.take();
  }
  EXPECT_GE(taken, 100);
  EXPECT_LE(taken, 104);
}

}  // namespace
}  // namespace market::gateway
