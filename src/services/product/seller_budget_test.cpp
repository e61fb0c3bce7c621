#include "services/product/seller_budget.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace market::product {
namespace {

constexpr Instant at(std::int64_t ms) {
  return Instant(Millis(ms));
}

TEST(SellerBudget, IsOneSellersAloneAndComesBackOverADay) {
  SellerBudget budget(86'400);  // A byte a second.
  EXPECT_TRUE(budget.take(UserId{1}, 86'000, at(0)));
  const auto refused = budget.take(UserId{1}, 500, at(0));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::rate_limited);
  EXPECT_EQ(refused.error().extras->retry_after_seconds, 101);
  EXPECT_TRUE(budget.take(UserId{1}, 400, at(0))) << "what was refused has taken nothing";
  EXPECT_TRUE(budget.take(UserId{2}, 500, at(0))) << "another's";
  EXPECT_FALSE(budget.take(UserId{1}, 100, at(99'000)));
  EXPECT_TRUE(budget.take(UserId{1}, 100, at(101'000)));
  EXPECT_FALSE(budget.take(UserId{1}, 86'401, at(10 * 86'400'000ll))) << "more than there ever is";
  EXPECT_TRUE(budget.take(UserId{1}, 86'400, at(10 * 86'400'000ll)));
  EXPECT_FALSE(budget.take(UserId{1}, 1, at(0))) << "a clock that goes back gives nothing";
}

TEST(SellerBudget, SixtyAtOnceTakeNoMoreThanOneAfterTheOther) {
  SellerBudget budget(1'000);
  std::atomic<int> taken{0};
  std::vector<std::thread> all;
  for (int i = 0; i < 60; ++i) all.emplace_back([&] { taken += budget.take(UserId{1}, 100, at(5)) ? 1 : 0; });
  for (auto& one : all) one.join();
  EXPECT_EQ(taken, 10);
}

TEST(SellerBudgets, BoundWhatASellerAddsAndNoAdministrator) {
  constexpr std::size_t most = 31'000;  // Of the longest texts, with their version 32,024 bytes.
  SellerBudgets budgets(true), none(false);
  int taken = 0;
  while (taken < 5'000 && budgets.take_texts(UserId{1}, Role::seller, most, at(0))) ++taken;
  EXPECT_EQ(taken, 1'047);
  int pictures = 0;
  while (budgets.take_picture(UserId{1}, Role::seller, 1, at(0))) ++pictures;
  EXPECT_EQ(pictures, 24) << "a version takes memory, whatever is new in it";
  pictures = 0;
  while (pictures < 5'000 && budgets.take_picture(UserId{2}, Role::seller, 5 << 20, at(0))) ++pictures;
  EXPECT_EQ(pictures, 204);
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(budgets.take_texts(UserId{3}, Role::admin, most, at(0)));
    ASSERT_TRUE(none.take_picture(UserId{1}, Role::seller, 5 << 20, at(0)));
  }
}

}  // namespace
}  // namespace market::product
