// What ports/shared_limits.hpp promises, of its adapter on a real Redis.
#include <gtest/gtest.h>

#include "adapters/redis/shared_limits.hpp"
#include "tests/support/redis_client.hpp"

namespace market {
namespace {

using tests::run;

class SharedLimitsContract : public testing::Test {
 protected:
  static SharedBucket bucket(std::string name, double burst = 3, double refill_ms = 60'000) {
    return {std::move(name), burst, refill_ms};
  }
  /// Of another instance.
  Millis take(SharedLimits& at, std::vector<SharedBucket> buckets) {
    const auto wait = run(at.take(std::move(buckets)));
    EXPECT_TRUE(wait) << wait.error().detail;
    return wait.value_or(Millis(-1));
  }
  double settle(SharedLimits& at, const SharedBucket& of, double taken) {
    std::vector<SharedLimits::Use> uses{{of, taken}};
    const auto left = run(at.settle(std::move(uses)));
    EXPECT_TRUE(left && left->size() == 1);
    return left ? left->front() : -99;
  }
  tests::RedisServer server;
  std::unique_ptr<redis::Client> client = tests::connected_client(server.port);
  std::unique_ptr<redis::Client> other_client = tests::connected_client(server.port);
  redis::RedisSharedLimits one{*client, "the secret of all"}, two{*other_client, "the secret of all"};
};

TEST_F(SharedLimitsContract, CountsTheTriesOfAllInstances) {
  EXPECT_EQ(take(one, {bucket("a")}), Millis(0));
  EXPECT_EQ(take(two, {bucket("a")}), Millis(0));
  EXPECT_EQ(take(one, {bucket("a")}), Millis(0));
  const auto wait = take(two, {bucket("a")});
  EXPECT_GT(wait, Millis(55'000));
  EXPECT_LE(wait, Millis(60'000));
  EXPECT_EQ(take(two, {bucket("b")}), Millis(0)) << "another's";
}

TEST_F(SharedLimitsContract, TakesOfAllOrOfNone) {
  EXPECT_EQ(take(one, {bucket("pair", 1), bucket("address", 5)}), Millis(0));
  for (int i = 0; i < 10; ++i) EXPECT_GT(take(two, {bucket("address", 5), bucket("pair", 1)}), Millis(0));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(take(one, {bucket("address", 5)}), Millis(0)) << i;
  EXPECT_GT(take(one, {bucket("address", 5)}), Millis(0));
}

TEST_F(SharedLimitsContract, GivesBackAndRefills) {
  EXPECT_EQ(take(one, {bucket("a", 1)}), Millis(0));
  two.give_back({bucket("a", 1)});
  two.give_back({bucket("a", 1)});  // Never more than the burst.
  EXPECT_TRUE(tests::wait([&] { return take(one, {bucket("a", 1)}) == Millis(0); }, Millis(1'000)));
  EXPECT_GT(take(one, {bucket("a", 1)}), Millis(0));
  EXPECT_EQ(take(one, {bucket("fast", 1, 50)}), Millis(0));
  EXPECT_TRUE(tests::wait([&] { return take(two, {bucket("fast", 1, 50)}) == Millis(0); }, Millis(1'000)));
}

TEST_F(SharedLimitsContract, SixtyAtOnceTakeNoMoreThanThereIs) {
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      for (int j = 0; j < 10; ++j) taken += take(i % 2 == 0 ? one : two, {bucket("rush", 7)}) == Millis(0);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken, 7);
}

TEST_F(SharedLimitsContract, SettlesWithADebtOfAtMostTheBurst) {
  EXPECT_NEAR(settle(one, bucket("a", 10), 4), 6, 0.01);
  EXPECT_NEAR(settle(two, bucket("a", 10), 9), -3, 0.01);
  EXPECT_NEAR(settle(one, bucket("a", 10), 1'000'000), -10, 0.01);
  EXPECT_NEAR(settle(one, bucket("a", 10), -1'000'000), 10, 0.01);
}

TEST_F(SharedLimitsContract, KeepsNoNames) {
  const std::string personal = "sign-in:203.0.113.7 buyer@example.com\r\nFLUSHALL";
  take(one, {bucket(personal)});
  const auto keys = tests::ask(*client, {"KEYS", "*"});
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_TRUE(keys->at(0).text().starts_with("market:limit:"));
  EXPECT_EQ(keys->at(0).text().size(), 45u);
  const auto life = tests::ask(*client, {"PTTL", std::string(keys->at(0).text())})->number();
  EXPECT_GT(life, 60'000);
  EXPECT_LE(life, 61'000) << "full by then, and forgotten";
  redis::RedisSharedLimits stranger(*client, "another secret");
  EXPECT_NE(stranger.key_of(personal), one.key_of(personal));
}

TEST_F(SharedLimitsContract, TakesForeignValuesForAFullBucket) {
  const auto key = one.key_of("a");
  for (const redis::Words& foreign : std::vector<redis::Words>{{"SET", key, "text"},
                                                               {"HSET", key, "left", "nan", "at", "nan"},
                                                               {"HSET", key, "left", "99999", "at", "1"},
                                                               {"HSET", key, "left", "x\r\n", "at", "1"},
                                                               {"HSET", key, "left", "1"}}) {
    ASSERT_TRUE(tests::ask(*client, {"FLUSHALL"}));
    ASSERT_TRUE(tests::ask(*client, foreign));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(take(one, {bucket("a")}), Millis(0)) << foreign[1];
    EXPECT_GT(take(one, {bucket("a")}), Millis(0));
  }
}

/// As after a fail-over to a replica whose clock is behind, or when a clock was set back.
TEST_F(SharedLimitsContract, FillsByTheClockOfNowWhatAClockAheadHasEmptied) {
  const auto key = one.key_of("a");
  const auto hour_ahead = std::to_string(
      std::stoll(std::string(tests::ask(*client, {"TIME"})->at(0).text())) * 1'000 + 3'600'000);
  ASSERT_TRUE(tests::ask(*client, {"HSET", key, "left", "0", "at", hour_ahead}));
  ASSERT_TRUE(tests::ask(*client, {"PEXPIRE", key, "3700000"}));
  const auto wait = take(one, {bucket("a", 3, 300)});
  EXPECT_GT(wait, Millis(0));
  EXPECT_LE(wait, Millis(300));
  EXPECT_LE(tests::ask(*client, {"PTTL", key})->number(), 2'000);
  EXPECT_TRUE(tests::wait([&] { return take(two, {bucket("a", 3, 300)}) == Millis(0); }, Millis(3'000)))
      << "as it was told";
}

TEST_F(SharedLimitsContract, IsUnavailableWhileRedisIsAway) {
  server.kill();
  EXPECT_FALSE(run(one.take({bucket("a")})));
  one.give_back({bucket("a")});
  std::vector<SharedLimits::Use> uses{{bucket("a"), 1}};
  EXPECT_FALSE(run(one.settle(std::move(uses))));
}

}  // namespace
}  // namespace market
