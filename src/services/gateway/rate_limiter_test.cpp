#include "services/gateway/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace market::gateway {
namespace {

TEST(RateLimiter, AllowsABurstAndThenTheRate) {
  RateLimiter limiter;
  const RateLimit limit{2, 5};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.take(1, limit, 1000).allowed) << i;
  const auto refused = limiter.take(1, limit, 1000);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reset_seconds, 1);
  EXPECT_TRUE(limiter.take(1, limit, 1500).allowed);
  EXPECT_FALSE(limiter.take(1, limit, 1500).allowed);
}

TEST(RateLimiter, KeepsKeysApartAndFillsNoFurtherThanTheBurst) {
  RateLimiter limiter;
  const RateLimit limit{1, 2};
  EXPECT_TRUE(limiter.take(1, limit, 0).allowed);
  EXPECT_EQ(limiter.take(1, limit, 0).remaining, 0);
  EXPECT_EQ(limiter.take(2, limit, 0).remaining, 1);
  EXPECT_EQ(limiter.take(1, limit, 1'000'000).remaining, 1);
}

TEST(RateLimiter, SurvivesAFloodOfKeys) {
  RateLimiter limiter;
  const RateLimit limit{1, 1};
  for (std::uint64_t key = 0; key < 400'000; ++key) EXPECT_TRUE(limiter.take(key, limit, 0).allowed);
}

}  // namespace
}  // namespace market::gateway
