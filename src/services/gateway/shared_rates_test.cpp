#include "services/gateway/shared_rates.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/run_task.hpp"

namespace market::gateway {
namespace {

constexpr RateLimit limit{10, 20};  // Ten a second, twenty at once.

/// As in Redis, on the test's own time.
class MemoryLimits final : public SharedLimits {
 public:
  Task<Millis> take(std::vector<SharedBucket>) override { co_return Millis(0); }
  void give_back(std::vector<SharedBucket>) override {}
  Task<std::vector<double>> settle(std::vector<Use> uses) override {
    ++calls;
    if (away) co_return fail(Code::unavailable, "away");
    std::vector<double> left;
    for (const Use& use : uses) {
      auto [entry, fresh] = buckets.try_emplace(use.bucket.name, use.bucket.burst, now_ms);
      auto& [tokens, at] = entry->second;
      tokens += static_cast<double>(now_ms - at) / use.bucket.refill_ms;
      at = now_ms;
      tokens = std::max(-use.bucket.burst, std::min(use.bucket.burst, tokens) - use.taken);
      left.push_back(tokens);
    }
    co_return left;
  }
  std::map<std::string, std::pair<double, std::int64_t>> buckets;
  std::int64_t now_ms = 1'000;
  bool away = false;
  int calls = 0;
};

class SharedRatesTest : public testing::Test {
 protected:
  Task<> settled(SharedRates& at) {
    co_await at.tell_others();
    co_return Result<>();
  }
  void settle() {
    ASSERT_TRUE(tests::run(settled(first)));
    ASSERT_TRUE(tests::run(settled(second)));
  }
  bool take(RateLimiter& at, std::uint64_t key = 7) { return at.take(key, limit, shared.now_ms).allowed; }

  MemoryLimits shared;
  bool reachable = true;
  RateLimiter one, two;
  SharedRates first{one, shared, [this] { return reachable; }};
  SharedRates second{two, shared, [this] { return reachable; }};
};

TEST_F(SharedRatesTest, TwoGatewaysAllowOneBurst) {
  int allowed = 0;
  for (int i = 0; i < 60; ++i) {
    allowed += take(i % 2 == 0 ? one : two);
    settle();
  }
  EXPECT_GE(allowed, 20);
  EXPECT_LE(allowed, 21) << "each knows what the other took before its own last question";
  EXPECT_TRUE(take(one, 8)) << "another's";
}

TEST_F(SharedRatesTest, WhatTwoAllowedAtOnceIsOwed) {
  int allowed = 0;
  for (int i = 0; i < 60; ++i) allowed += take(i % 2 == 0 ? one : two);
  EXPECT_EQ(allowed, 40) << "before they have spoken";
  settle();
  settle();  // The first one hears what the second one took with its next question.
  for (int second_number = 0; second_number < 20; ++second_number)
    for (int i = 0; i < 100; ++i) {
      shared.now_ms += 10;
      allowed += take(one);
      allowed += take(two);
      settle();
    }
  EXPECT_NEAR(allowed, 20 + 20 * 10, 15) << "in the long run the rate of one";
}

TEST_F(SharedRatesTest, WhoStaysBelowTheLimitOfEachDoesNotGetTheSumOfAll) {
  int allowed = 0;
  for (int i = 0; i < 20 * 10; ++i) {  // For twenty seconds, as fast as one gateway alone would allow.
    shared.now_ms += 100;
    allowed += take(one);
    allowed += take(two);
    settle();
  }
  EXPECT_NEAR(allowed, 20 + 20 * 10, 20);
}

TEST_F(SharedRatesTest, QuietClientsAreToldNobody) {
  for (std::uint64_t key = 100; key < 1'100; ++key)
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(take(one, key));
  settle();
  EXPECT_EQ(shared.calls, 0);
  for (int i = 0; i < 2'000; ++i) {  // For long, but an eighth of its rate.
    shared.now_ms += 801;
    EXPECT_TRUE(take(one));
    settle();
  }
  EXPECT_EQ(shared.calls, 0);
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(take(one)) << "what it had long got back it does not owe";
  settle();
  EXPECT_NEAR(shared.buckets.begin()->second.first, 8, 1.5);
}

TEST_F(SharedRatesTest, EachDecidesAloneWhileTheOthersCannotBeAsked) {
  shared.away = true;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(take(one)) << i;
    settle();
  }
  EXPECT_FALSE(take(one));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(take(two)) << i;
  shared.away = false;
  reachable = false;
  const int calls = shared.calls;
  settle();
  EXPECT_EQ(shared.calls, calls);
  reachable = true;
  shared.now_ms += 100;
  EXPECT_TRUE(take(one));
  settle();
  EXPECT_LT(shared.buckets.begin()->second.first, 1) << "what was taken meanwhile is told";
}

TEST_F(SharedRatesTest, WhatWasGotBackWhileTheOthersWereAwayIsNotOwed) {
  reachable = false;
  for (int i = 0; i < 600; ++i) {  // A minute at its rate.
    shared.now_ms += 100;
    EXPECT_TRUE(take(one));
    settle();
  }
  reachable = true;
  for (int i = 0; i < 100; ++i) {
    shared.now_ms += 100;
    EXPECT_TRUE(take(one)) << i;
    settle();
  }
}

TEST_F(SharedRatesTest, AFloodOfKeysIsToldInPortions) {
  for (std::uint64_t key = 0; key < 50'000; ++key)
    for (int i = 0; i < 6; ++i) take(one, key * 0x9E3779B97F4A7C15ull);
  for (int i = 0; i < 200; ++i) settle();
  const int calls = shared.calls;
  settle();
  EXPECT_EQ(shared.calls, calls) << "all is told";
  EXPECT_LE(shared.buckets.size(), 16u * 1'024u);
  EXPECT_GT(shared.buckets.size(), 10'000u);
}

}  // namespace
}  // namespace market::gateway
