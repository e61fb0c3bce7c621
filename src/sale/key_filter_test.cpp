#include "sale/key_filter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace market::sale {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Instant begin{hours(500'000)};

/// Key number `n`: mixed, as digests are.
RequestKey key(std::uint64_t n) {
  return {n * 0x9E3779B97F4A7C15u, (n + 1) * 0xC2B2AE3D27D4EB4Fu};
}

struct Added {
  std::uint64_t number;
  Instant at;
};

/// None of the last 24 hours is denied.
void expect_all_known(const KeyFilter& filter, const std::vector<Added>& added, Instant now) {
  for (const auto& each : added) {
    if (now - each.at > KeyFilter::life) continue;
    ASSERT_TRUE(filter.may_contain(key(each.number))) << each.number << " after " << (now - each.at).count();
  }
}

/// Ten days of keys, closely or with long pauses; `each(filter, now)` between them may change the filter.
void live(std::uint64_t seed, std::unique_ptr<KeyFilter>& filter,
          const std::function<void(std::uint64_t)>& between) {
  std::mt19937_64 random(seed);
  std::vector<Added> added;
  Instant now = begin;
  for (std::uint64_t number = 0; now < begin + hours(10 * 24); ++number) {
    const bool pause = random() % 40 == 0;
    now += minutes(pause ? random() % (60 * 60) : random() % 120);
    expect_all_known(*filter, added, now);
    filter->add(key(number), now);
    added.push_back({number, now});
    expect_all_known(*filter, added, now);
    between(random());
    expect_all_known(*filter, added, now);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(KeyFilter, KnowsEachKeyForADayWheneverGenerationsChange) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    auto filter = std::make_unique<KeyFilter>();
    live(seed, filter, [](std::uint64_t) {});
  }
}

TEST(KeyFilter, KnowsThemAsWellBehindASnapshot) {
  for (const std::uint64_t seed : {4u, 5u}) {
    auto filter = std::make_unique<KeyFilter>();
    live(seed, filter, [&filter](std::uint64_t random) {
      if (random % 32 != 0) return;
      auto next = std::make_unique<KeyFilter>();
      ASSERT_TRUE(next->merge(filter->encode()));
      filter = std::move(next);
    });
  }
}

TEST(KeyFilter, TheChangeIsAtADayExactly) {
  KeyFilter filter;
  filter.add(key(1), begin);
  filter.add(key(2), begin + KeyFilter::life - Millis(1));  // Still the first generation.
  filter.add(key(3), begin + KeyFilter::life);
  EXPECT_TRUE(filter.may_contain(key(1))) << "the old generation stays";
  filter.add(key(4), begin + 2 * KeyFilter::life - Millis(1));
  EXPECT_TRUE(filter.may_contain(key(2))) << "it is a day old";
  filter.add(key(5), begin + 2 * KeyFilter::life);
  EXPECT_FALSE(filter.may_contain(key(1)));
  EXPECT_FALSE(filter.may_contain(key(2)));
  for (const int number : {3, 4, 5}) EXPECT_TRUE(filter.may_contain(key(static_cast<unsigned>(number))));
}

TEST(KeyFilter, OfTwoFiltersTheYoungerSaysWhenAGenerationEnds) {
  for (const bool older_first : {true, false}) {
    KeyFilter older, younger, both;
    older.add(key(1), begin);
    younger.add(key(2), begin + hours(23));
    younger.add(key(3), begin + hours(23) + KeyFilter::life);  // So that key 2 is in its old generation.
    ASSERT_TRUE(both.merge((older_first ? older : younger).encode()));
    ASSERT_TRUE(both.merge((older_first ? younger : older).encode()));
    both.add(key(4), begin + hours(23) + KeyFilter::life);
    for (const int number : {2, 3, 4})
      EXPECT_TRUE(both.may_contain(key(static_cast<unsigned>(number)))) << number << older_first;
  }
}

TEST(KeyFilter, ForgetsWhatIsTwoDaysOldAndRarelyTakesAKeyForAnother) {
  KeyFilter filter;
  for (std::uint64_t number = 0; number < 20'000; ++number) filter.add(key(number), begin);
  filter.add(key(1'000'000), begin + KeyFilter::life);
  filter.add(key(1'000'001), begin + 2 * KeyFilter::life);
  int hits = 0;
  for (std::uint64_t number = 0; number < 40'000; ++number) hits += filter.may_contain(key(number));
  EXPECT_LT(hits, 40);
}

TEST(KeyFilter, RefusesADamagedSnapshot) {
  KeyFilter filter;
  filter.add(key(1), begin);
  const std::string bytes = filter.encode();
  KeyFilter other;
  EXPECT_FALSE(other.merge({}));
  EXPECT_FALSE(other.merge(std::string_view(bytes).substr(0, bytes.size() - 1)));
  std::string beyond = bytes;
  beyond[8 + 2] = '\x7F';  // A page that no filter has.
  EXPECT_FALSE(other.merge(beyond));
  EXPECT_TRUE(KeyFilter().merge(KeyFilter().encode())) << "of no keys";
}

TEST(KeyFilter, IsReadAndCopiedWhileGenerationsChange) {
  KeyFilter filter;
  std::atomic<std::uint64_t> newest{0}, copies{0}, looks{0};
  std::atomic<bool> done{false};
  filter.add(key(0), begin);
  // Four keys are a day: behind more of them, one may be forgotten.
  const auto still_known = [&newest](std::uint64_t number) { return newest.load() < number + 4; };
  std::thread reader([&] {
    for (; !done.load(); ++looks) {
      const std::uint64_t number = newest.load();
      const bool known = filter.may_contain(key(number));
      EXPECT_TRUE(known || !still_known(number)) << number;
    }
  });
  std::thread copier([&] {
    for (; !done.load(); ++copies) {
      const std::uint64_t number = newest.load();
      KeyFilter copy;
      EXPECT_TRUE(copy.merge(filter.encode()));
      EXPECT_TRUE(copy.may_contain(key(number)) || !still_known(number)) << number;
    }
  });
  for (std::uint64_t number = 1; number < 60 || copies.load() < 3 || looks.load() < 100; ++number) {
    filter.add(key(number), begin + hours(6 * number));
    newest.store(number);
    std::this_thread::sleep_for(Millis(3));
  }
  done = true;
  reader.join();
  copier.join();
}

}  // namespace
}  // namespace market::sale
