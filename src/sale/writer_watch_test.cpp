#include "sale/writer_watch.hpp"

#include <gtest/gtest.h>

#include <set>

namespace market::sale {
namespace {

const Instant start{Millis(1'000'000)};

/// Ticks every 50 ms from `from` on, until it should open or `limit` is over; how long that took.
Millis opens_after(WriterWatch& watch, Instant from, Millis limit) {
  for (Millis passed{0}; passed < limit; passed += Millis(50)) {
    watch.tick(from + passed);
    if (watch.should_open(from + passed)) return passed;
  }
  return limit;
}

TEST(WriterWatch, OpensAfterASilenceAndSoonerForNobody) {
  WriterWatch watch({}, 7);
  const auto after = opens_after(watch, start, Millis(5'000));
  EXPECT_GE(after, Millis(1'200));
  EXPECT_LE(after, Millis(1'500));
}

TEST(WriterWatch, ASignOfLifeIsEnough) {
  WriterWatch watch({}, 7);
  for (Millis passed{0}; passed < Millis(20'000); passed += Millis(100)) {
    watch.tick(start + passed);
    if (passed % Millis(400) == Millis(0)) watch.heard(start + passed);
    ASSERT_FALSE(watch.should_open(start + passed)) << passed.count();
  }
}

TEST(WriterWatch, AnInstanceThatWasPausedListensAgainFirst) {
  WriterWatch watch({}, 7);
  watch.tick(start);
  watch.tick(start + Millis(10'000));  // We were stopped, perhaps the writer was not.
  EXPECT_FALSE(watch.should_open(start + Millis(10'000)));
  EXPECT_GE(opens_after(watch, start + Millis(10'000), Millis(5'000)), Millis(1'200));
}

TEST(WriterWatch, SeveralDoNotOpenAtTheSameMoment) {
  std::set<Millis> moments;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    WriterWatch watch({.tick_late_max = Millis(1'000)}, seed * 7919);
    moments.insert(opens_after(watch, start, Millis(5'000)));
  }
  EXPECT_GE(moments.size(), 3u);
}

TEST(WriterWatch, WhereWritersComeAndGoTheSilenceDoublesAndBecomesShortAgain) {
  WriterWatch watch({}, 7);
  watch.tick(start);
  watch.opened(start);
  EXPECT_EQ(watch.silence_before_open(start), Millis(1'200)) << "one change is as quick as ever";
  for (int i = 0; i < 3; ++i) watch.opened(start);
  EXPECT_EQ(watch.silence_before_open(start), Millis(9'600));
  for (int i = 0; i < 9; ++i) watch.opened(start);
  EXPECT_EQ(watch.silence_before_open(start), Millis(9'600)) << "bounded";
  EXPECT_EQ(watch.silence_before_open(start + Millis(30'001)), Millis(1'200));
}

TEST(WriterWatch, AWriterThatLeftIsNotWaitedFor) {
  WriterWatch watch({}, 7);
  watch.tick(start);
  watch.left();
  EXPECT_TRUE(watch.should_open(start));
  watch.opened(start);
  EXPECT_FALSE(watch.should_open(start)) << "another was quicker";
}

}  // namespace
}  // namespace market::sale
