#include "domain/sale/timeline.hpp"

#include <gtest/gtest.h>

namespace market {
namespace {

Instant at(std::int64_t seconds, std::int64_t millis = 0) {
  return Instant(Millis(1'790'000'000'000 + seconds * 1'000 + millis));
}
Timeline::Step units(std::int64_t count) {
  Timeline::Step step;
  step.orders = 1;
  step.units = count;
  return step;
}

TEST(Timeline, KeepsSecondsApartWhileTheyFit) {
  Timeline timeline;
  timeline.add(at(0, 1), units(2));
  timeline.add(at(0, 999), units(3));
  timeline.add(at(Timeline::steps_max - 1), units(1));
  EXPECT_EQ(timeline.width(), Millis(1'000));
  ASSERT_EQ(timeline.steps().size(), 2u);
  EXPECT_EQ(timeline.steps().at(at(0)).units, 5);
  EXPECT_EQ(timeline.steps().at(at(0)).orders, 2);
}

TEST(Timeline, WidensAndLosesNothing) {
  Timeline timeline;
  std::int64_t sum = 0;
  for (std::int64_t day = 0; day < 900; ++day)
    for (std::int64_t hour = 23; hour >= 0; --hour) {  // Not in order.
      timeline.add(at(day * 86'400 + hour * 3'600, 7), units(1));
      ++sum;
      ASSERT_LE(timeline.steps().size(), static_cast<std::size_t>(Timeline::steps_max) + 1);
    }
  std::int64_t found = 0;
  for (const auto& [begin, step] : timeline.steps()) {
    EXPECT_EQ(begin.time_since_epoch() % timeline.width(), Millis(0));
    found += step.units;
  }
  EXPECT_EQ(found, sum);
  EXPECT_GT(timeline.width(), Millis(86'400'000));
}

TEST(Timeline, TakesTimesBeforeTheEpoch) {
  Timeline timeline;
  timeline.add(Instant(Millis(-1)), units(1));
  EXPECT_EQ(timeline.steps().begin()->first, Instant(Millis(-1'000)));
}

}  // namespace
}  // namespace market
