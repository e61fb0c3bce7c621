#include "services/user/guess_limiter.hpp"

#include <gtest/gtest.h>

namespace market::user {
namespace {

constexpr GuessLimiter::Rate rate{3, Millis(1'000)};

Instant at(std::int64_t millis) {
  return Instant(Millis(1'800'000'000'000 + millis));
}

TEST(GuessLimiter, OnlyWhatIsChargedCounts) {
  GuessLimiter limiter(true);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limiter.allow("a", rate, at(0)));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limiter.allow("a", rate, at(0))) << i;
    limiter.charge("a", rate, at(0));
  }
  EXPECT_EQ(limiter.allow("a", rate, at(0)).error().code, Code::rate_limited);
  EXPECT_TRUE(limiter.allow("b", rate, at(0))) << "each has its own bucket";
}

TEST(GuessLimiter, SaysWhenTheNextTryIsDueAndKeepsTheWord) {
  GuessLimiter limiter(true);
  for (int i = 0; i < 3; ++i) limiter.charge("a", rate, at(0));
  EXPECT_EQ(limiter.allow("a", rate, at(0)).error().extras->retry_after_seconds, 1);
  EXPECT_FALSE(limiter.allow("a", rate, at(999)));
  EXPECT_TRUE(limiter.allow("a", rate, at(1'000)));
  const GuessLimiter::Rate slow{1, Millis(60'000)};
  limiter.charge("slow", slow, at(0));
  EXPECT_EQ(limiter.allow("slow", slow, at(500)).error().extras->retry_after_seconds, 60) << "rounded up";
}

TEST(GuessLimiter, FillsUpToItsBurstOnly) {
  GuessLimiter limiter(true);
  limiter.charge("a", rate, at(0));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limiter.allow("a", rate, at(3'600'000))) << i;
    limiter.charge("a", rate, at(3'600'000));
  }
  EXPECT_FALSE(limiter.allow("a", rate, at(3'600'000)));
  EXPECT_FALSE(limiter.allow("a", rate, at(3'500'000))) << "a clock that steps back gives nothing";
}

TEST(GuessLimiter, TurnedOffItNeverRefuses) {
  GuessLimiter limiter(false);
  for (int i = 0; i < 100; ++i) limiter.charge("a", rate, at(0));
  EXPECT_TRUE(limiter.allow("a", rate, at(0)));
}

TEST(GuessLimiter, AFloodOfStrangersDoesNotFreeAGuesser) {
  GuessLimiter limiter(true);
  for (int i = 0; i < 3; ++i) limiter.charge("guesser", rate, at(0));
  for (std::size_t i = 0; i + 10 < 2 * GuessLimiter::buckets_max; ++i)
    EXPECT_TRUE(limiter.allow("stranger " + std::to_string(i), rate, at(0)));
  EXPECT_FALSE(limiter.allow("guesser", rate, at(0))) << "buckets with tries left are forgotten first";
}

TEST(LimitAddress, IsACustomersNetwork) {
  EXPECT_EQ(limit_address("192.0.2.7"), "192.0.2.7");
  EXPECT_NE(limit_address("192.0.2.7"), limit_address("192.0.2.8"));
  EXPECT_EQ(limit_address("2001:db8:1:2::1"), limit_address("2001:db8:1:2:ffff::9")) << "one /64";
  EXPECT_NE(limit_address("2001:db8:1:2::1"), limit_address("2001:db8:1:3::1"));
}

}  // namespace
}  // namespace market::user
