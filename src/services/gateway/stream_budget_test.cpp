#include "services/gateway/stream_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace market::gateway {
namespace {

TEST(StreamBudget, NobodyTakesTheOthersPlaces) {
  StreamBudget budget;
  const StreamLimits limits{5, 3, 2};
  StreamBudget::Refusal refusal;
  std::vector<std::shared_ptr<StreamBudget::Place>> open;
  for (int i = 0; i < 3; ++i) open.push_back(budget.take(1, 0, limits, refusal));
  EXPECT_TRUE(open[2]);
  EXPECT_FALSE(budget.take(1, 0, limits, refusal));
  EXPECT_EQ(refusal, StreamBudget::Refusal::yours);
  EXPECT_TRUE(open.emplace_back(budget.take(2, 7, limits, refusal)));
  EXPECT_TRUE(open.emplace_back(budget.take(3, 7, limits, refusal)));
  EXPECT_FALSE(budget.take(4, 8, limits, refusal));
  EXPECT_EQ(refusal, StreamBudget::Refusal::everybodys);
  open.erase(open.begin());
  EXPECT_FALSE(budget.take(4, 7, limits, refusal)) << "one user, whatever the address";
  EXPECT_EQ(refusal, StreamBudget::Refusal::yours);
  EXPECT_TRUE(open.emplace_back(budget.take(1, 0, limits, refusal)));
  open.clear();
  EXPECT_EQ(budget.open(), 0u);
}

TEST(StreamBudget, ZeroIsNoLimit) {
  StreamBudget budget;
  StreamBudget::Refusal refusal;
  std::vector<std::shared_ptr<StreamBudget::Place>> open;
  for (int i = 0; i < 100; ++i) open.push_back(budget.take(1, 2, StreamLimits{1'000, 0, 0}, refusal));
  EXPECT_TRUE(open.back());
}

}  // namespace
}  // namespace market::gateway
