#include "sale/time_histogram.hpp"

#include <gtest/gtest.h>

namespace market::sale {
namespace {

using namespace std::chrono_literals;

TEST(TimeHistogram, EachEndCountsAllThatWereShorter) {
  TimeHistogram times;
  for (const TimeHistogram::Nanoseconds took :
       {TimeHistogram::Nanoseconds(100us), TimeHistogram::Nanoseconds(101us), TimeHistogram::Nanoseconds(1s),
        TimeHistogram::Nanoseconds(9s)})
    times.add(took);
  const auto at_most = times.at_most();
  ASSERT_EQ(at_most.size(), TimeHistogram::ends.size() + 1);
  EXPECT_EQ(at_most.front(), 1u) << "an end counts what is as long as itself";
  EXPECT_EQ(at_most[1], 2u);
  EXPECT_EQ(at_most[TimeHistogram::ends.size() - 1], 3u);
  EXPECT_EQ(at_most.back(), 4u);
  EXPECT_NEAR(times.seconds(), 10.000201, 1e-9);
}

TEST(TimeHistogram, AClockThatGoesBackTakesNoTime) {
  TimeHistogram times;
  times.add(TimeHistogram::Nanoseconds(-5));
  EXPECT_EQ(times.at_most().front(), 1u);
  EXPECT_EQ(times.seconds(), 0);
}

}  // namespace
}  // namespace market::sale
