#include "services/platform/stream_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace market::platform {
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

TEST(StreamBudget, AFairOneAlwaysHasAPlaceForWhoComesNext) {
  StreamBudget budget;
  const StreamLimits limits{384, 0, 0, true};
  StreamBudget::Refusal refusal;
  std::vector<std::shared_ptr<StreamBudget::Place>> open;
  const auto take_all = [&](std::uint64_t address) {
    std::size_t taken = 0;
    while (auto place = budget.take(address, 0, limits, refusal)) {
      open.push_back(std::move(place));
      ++taken;
    }
    return taken;
  };
  EXPECT_EQ(take_all(1), 128u) << "a third, as long as nobody else is there";
  EXPECT_EQ(refusal, StreamBudget::Refusal::yours);
  for (std::uint64_t greedy = 2; greedy <= 12; ++greedy) EXPECT_GE(take_all(greedy), 1u) << greedy;
  EXPECT_LT(budget.open(), 384u);
  open.erase(open.begin(), open.begin() + 128);
  EXPECT_GE(take_all(99), 40u) << "what is given back is there for all";
}

TEST(StreamBudget, ZeroIsNoLimit) {
  StreamBudget budget;
  StreamBudget::Refusal refusal;
  std::vector<std::shared_ptr<StreamBudget::Place>> open;
  for (int i = 0; i < 100; ++i) open.push_back(budget.take(1, 2, StreamLimits{1'000, 0, 0}, refusal));
  EXPECT_TRUE(open.back());
}

}  // namespace
}  // namespace market::platform
