#include "services/user/guess_limiter.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "tests/support/run_task.hpp"

namespace market::user {
namespace {

constexpr GuessLimiter::Rate rate{3, Millis(1'000)};

Instant at(std::int64_t millis) {
  return Instant(Millis(1'800'000'000'000 + millis));
}

class GuessLimiterTest : public testing::Test {
 protected:
  /// Takes a try that counts.
  bool guess(const std::string& name, GuessLimiter::Rate how = rate, Instant now = at(0)) {
    auto taken = limiter_.take({{name, how}}, now);
    if (taken) taken->keep();
    return taken.has_value();
  }
  GuessLimiter limiter_{true, wire::DigestKey{1, 2, 3}};
};

TEST_F(GuessLimiterTest, OnlyWhatIsKeptCounts) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limiter_.take({{"a", rate}}, at(0)));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess("a")) << i;
  EXPECT_EQ(limiter_.take({{"a", rate}}, at(0)).error().code, Code::rate_limited);
  EXPECT_TRUE(guess("b")) << "each has its own bucket";
}

TEST_F(GuessLimiterTest, TriesUnderWayAreTaken) {
  std::vector<GuessLimiter::Try> under_way;
  for (int i = 0; i < 60; ++i)
    if (auto taken = limiter_.take({{"a", rate}}, at(0))) under_way.push_back(std::move(*taken));
  EXPECT_EQ(under_way.size(), 3u) << "however many come at once";
  EXPECT_EQ(limiter_.take({{"a", {3, Millis(60'000)}}}, at(0)).error().extras->retry_after_seconds, 1)
      << "one of them may be right in a moment";
  under_way.pop_back();
  EXPECT_TRUE(guess("a")) << "given back";
}

TEST_F(GuessLimiterTest, TakesOfEachBucketOrOfNone) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess("empty"));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter_.take({{"full", rate}, {"empty", rate}}, at(0)));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess("full"));
}

TEST_F(GuessLimiterTest, SaysWhenTheNextTryIsDueAndKeepsTheWord) {
  for (int i = 0; i < 3; ++i) guess("a");
  EXPECT_EQ(limiter_.take({{"a", rate}}, at(0)).error().extras->retry_after_seconds, 1);
  EXPECT_FALSE(guess("a", rate, at(999)));
  EXPECT_TRUE(guess("a", rate, at(1'000)));
  const GuessLimiter::Rate slow{1, Millis(60'000)};
  EXPECT_TRUE(guess("slow", slow));
  EXPECT_EQ(limiter_.take({{"slow", slow}}, at(500)).error().extras->retry_after_seconds, 60) << "rounded up";
}

TEST_F(GuessLimiterTest, FillsUpToItsBurstOnly) {
  guess("a");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess("a", rate, at(3'600'000))) << i;
  EXPECT_FALSE(guess("a", rate, at(3'600'000)));
  EXPECT_FALSE(guess("a", rate, at(3'500'000))) << "a clock that steps back gives nothing";
}

TEST_F(GuessLimiterTest, TurnedOffItNeverRefuses) {
  GuessLimiter limiter(false, wire::DigestKey{});
  for (int i = 0; i < 100; ++i) {
    auto taken = limiter.take({{"a", rate}}, at(0));
    ASSERT_TRUE(taken);
    taken->keep();
  }
}

TEST_F(GuessLimiterTest, AFloodOfStrangersDoesNotFreeAGuesser) {
  for (int i = 0; i < 3; ++i) guess("guesser");
  for (std::size_t i = 0; i + 10 < 2 * GuessLimiter::buckets_max; ++i)
    EXPECT_TRUE(limiter_.take({{"stranger " + std::to_string(i), rate}}, at(0)));
  EXPECT_FALSE(guess("guesser")) << "buckets with tries left are forgotten first";
}

/// More names than the table has room for.
constexpr std::size_t flood = GuessLimiter::buckets_max + GuessLimiter::buckets_max / 2;

TEST_F(GuessLimiterTest, AFloodOfFailuresForgetsWhoseFailuresAreFewestFirst) {
  const GuessLimiter::Rate slow{5, Millis(30'000)};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(guess("guesser", slow)) << "a try is left";
  for (std::size_t i = 0; i < flood; ++i) EXPECT_TRUE(guess("stranger " + std::to_string(i), slow));
  EXPECT_TRUE(guess("guesser", slow));
  EXPECT_FALSE(guess("guesser", slow)) << "its failures were not forgotten";
}

TEST_F(GuessLimiterTest, WhatIsFullByNowIsForgottenBeforeWhatCounts) {
  for (std::size_t i = 0; i < GuessLimiter::buckets_max - 10; ++i) guess("old " + std::to_string(i));
  const Instant later = at(60'000);  // The old ones have filled up.
  EXPECT_TRUE(guess("one failure", rate, later));
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(limiter_.take({{"new " + std::to_string(i), rate}}, later));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(guess("one failure", rate, later));
  EXPECT_FALSE(guess("one failure", rate, later));
}

TEST_F(GuessLimiterTest, TriesUnderWayAreNotForgotten) {
  std::vector<GuessLimiter::Try> under_way;
  for (int i = 0; i < 2; ++i) under_way.push_back(std::move(*limiter_.take({{"guesser", rate}}, at(0))));
  for (std::size_t i = 0; i < flood; ++i) guess("stranger " + std::to_string(i), rate, at(0));
  EXPECT_TRUE(guess("guesser"));
  EXPECT_FALSE(guess("guesser")) << "two are under way";
}

TEST_F(GuessLimiterTest, WhoIsRefusedMakesNobodyForgotten) {
  for (int i = 0; i < 3; ++i) guess("attacker");
  guess("one failure");
  for (std::size_t i = 0; i < flood; ++i)
    EXPECT_FALSE(limiter_.take({{"pair " + std::to_string(i), rate}, {"attacker", rate}}, at(0)));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(guess("one failure"));
  EXPECT_FALSE(guess("one failure"));
}

TEST(KeyedDigest, DependsOnItsKey) {
  const wire::DigestKey one{1}, other{2};
  EXPECT_EQ(wire::keyed_digest_128(one, "kim@example.kr"), wire::keyed_digest_128(one, "kim@example.kr"));
  EXPECT_NE(wire::keyed_digest_128(one, "kim@example.kr"), wire::keyed_digest_128(one, "kim@example.k"));
  EXPECT_NE(wire::keyed_digest_128(one, "kim@example.kr"), wire::keyed_digest_128(other, "kim@example.kr"))
      << "nobody outside can compute which names share a bucket";
}

TEST(LimitAddress, IsACustomersNetwork) {
  EXPECT_EQ(limit_address("192.0.2.7"), "192.0.2.7");
  EXPECT_NE(limit_address("192.0.2.7"), limit_address("192.0.2.8"));
  EXPECT_EQ(limit_address("::ffff:192.0.2.7"), "192.0.2.7") << "as some proxies write it";
  EXPECT_EQ(limit_address("2001:db8:1:2::1"), limit_address("2001:db8:1:2:ffff::9")) << "one /64";
  EXPECT_NE(limit_address("2001:db8:1:2::1"), limit_address("2001:db8:1:3::1"));
}

/// Of all instances; `away`: it cannot be asked.
class CountedLimits final : public SharedLimits {
 public:
  Task<Millis> take(std::vector<SharedBucket> buckets) override {
    ++asked;
    if (away) co_return fail(Code::unavailable, "away");
    for (const SharedBucket& bucket : buckets)
      if (taken[bucket.name] >= bucket.burst) co_return Millis(2'500);
    for (const SharedBucket& bucket : buckets) ++taken[bucket.name];
    co_return Millis(0);
  }
  void give_back(std::vector<SharedBucket> buckets) override {
    for (const SharedBucket& bucket : buckets) --taken[bucket.name];
  }
  Task<std::vector<double>> settle(std::vector<Use>) override { co_return std::vector<double>(); }
  std::map<std::string, double> taken;
  bool away = false;
  int asked = 0;
};

const Instant start = at(0);

class SharedGuesses : public testing::Test {
 protected:
  using Taken = std::optional<Result<GuessLimiter::Try>>;
  static Task<> take_into(Taken& taken, GuessLimiter& at, std::string name) {
    std::vector<GuessLimiter::Limit> limits;
    limits.push_back({std::move(name), rate});
    auto answer = co_await at.take_shared(std::move(limits), start);
    taken.emplace(std::move(answer));
    co_return Result<>();
  }
  Result<GuessLimiter::Try> take(GuessLimiter& at, const std::string& name) {
    Taken taken;
    EXPECT_TRUE(tests::run(take_into(taken, at, name)));
    return std::move(*taken);
  }
  bool guess(GuessLimiter& at, const std::string& name) {
    auto taken = take(at, name);
    if (taken) taken->keep();
    return taken.has_value();
  }
  CountedLimits shared;
  GuessLimiter one{true, wire::DigestKey{1}, &shared}, two{true, wire::DigestKey{2}, &shared};
};

TEST_F(SharedGuesses, OfAllInstancesCountTogether) {
  EXPECT_TRUE(guess(one, "a"));
  EXPECT_TRUE(guess(two, "a"));
  EXPECT_TRUE(guess(one, "a"));
  const auto refused = take(two, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::rate_limited);
  EXPECT_EQ(refused.error().extras->retry_after_seconds, 3) << "rounded up";
  EXPECT_TRUE(guess(two, "b"));
}

TEST_F(SharedGuesses, GiveBackWhatWasRightEverywhere) {
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(take(i % 2 ? one : two, "a")) << i;
  EXPECT_EQ(shared.taken["guess:a"], 0);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess(two, "a")) << "what was refused there was given back here";
}

TEST_F(SharedGuesses, CountHereWhileTheyCannotBeAsked) {
  shared.away = true;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess(one, "a"));
  EXPECT_FALSE(guess(one, "a"));
  EXPECT_EQ(shared.asked, 3) << "who is refused here asks nobody";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess(two, "a")) << "each instance alone";
}

}  // namespace
}  // namespace market::user
