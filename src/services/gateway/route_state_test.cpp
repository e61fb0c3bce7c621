#include "services/gateway/route_state.hpp"

#include <gtest/gtest.h>

#include "services/gateway/retry_budget.hpp"

namespace market::gateway {
namespace {

using Gate = RouteState::Gate;

struct BreakerTest : testing::Test {
  void answer(int ok, int failed, std::int64_t now_ms) {
    for (int i = 0; i < ok; ++i) state.report(settings, Gate::open, false, now_ms);
    for (int i = 0; i < failed; ++i) state.report(settings, Gate::open, true, now_ms);
  }
  BreakerSettings settings;
  RouteState state;
};

TEST_F(BreakerTest, OpensAtHalfAndOnlyWithEnoughProof) {
  answer(0, 19, 0);
  EXPECT_EQ(state.ask(settings, 0), Gate::open);
  answer(0, 1, 0);
  EXPECT_EQ(state.ask(settings, 0), Gate::closed);
}

TEST_F(BreakerTest, StaysClosedBelowItsShare) {
  answer(60, 40, 0);
  EXPECT_FALSE(state.is_broken());
  answer(0, 19, 11'000);  // Another window.
  EXPECT_FALSE(state.is_broken());
}

TEST_F(BreakerTest, LetsOneProbeDecide) {
  answer(0, 20, 0);
  EXPECT_EQ(state.ask(settings, 2000), Gate::probe);
  EXPECT_EQ(state.ask(settings, 2000), Gate::closed);
  state.report(settings, Gate::probe, true, 2100);
  EXPECT_EQ(state.ask(settings, 4000), Gate::closed);
  EXPECT_EQ(state.ask(settings, 4100), Gate::probe);
  state.give_back(Gate::probe);
  EXPECT_EQ(state.ask(settings, 4100), Gate::probe);
  state.report(settings, Gate::probe, false, 4200);
  EXPECT_EQ(state.ask(settings, 4200), Gate::open);
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
