#include "apps/bench/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace market::apps::load {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, is_empty_at_first) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile(0.5), 0ns);
  EXPECT_EQ(histogram.mean(), 0ns);
}

TEST(Histogram, is_exact_for_small_values_and_for_the_maximum) {
  Histogram histogram;
  for (int i = 1; i <= 50; ++i) histogram.add(std::chrono::nanoseconds(i));
  EXPECT_EQ(histogram.percentile(0.5), 25ns);
  EXPECT_EQ(histogram.percentile(1.0), 50ns);
  histogram.add(7'777'777ns);
  EXPECT_EQ(histogram.max(), 7'777'777ns);
  EXPECT_EQ(histogram.percentile(1.0), 7'777'777ns);
}

TEST(Histogram, is_within_two_percent_of_the_sorted_samples) {
  std::mt19937_64 random(42);
  std::lognormal_distribution<double> latency(13, 2);
  Histogram first, second;
  std::vector<std::int64_t> samples;
  for (int i = 0; i < 100'000; ++i) {
    samples.push_back(static_cast<std::int64_t>(latency(random)));
    (i % 2 ? first : second).add(std::chrono::nanoseconds(samples.back()));
  }
  first.add(second);
  std::sort(samples.begin(), samples.end());
  ASSERT_EQ(first.count(), samples.size());
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const auto exact = static_cast<double>(samples[static_cast<std::size_t>(share * 100'000) - 1]);
    const auto seen = static_cast<double>(first.percentile(share).count());
    EXPECT_GE(seen, exact) << share;
    EXPECT_LE(seen, exact * 1.02) << share;
  }
}

TEST(Histogram, takes_the_largest_values_there_are) {
  Histogram histogram;
  histogram.add(std::chrono::nanoseconds::max());
  histogram.add(-5ns);
  EXPECT_EQ(histogram.percentile(1.0), std::chrono::nanoseconds::max());
  EXPECT_EQ(histogram.percentile(0.5), 0ns);
}

}  // namespace
}  // namespace market::apps::load
