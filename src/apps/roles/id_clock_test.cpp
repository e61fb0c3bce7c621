#include "apps/roles/id_clock.hpp"

#include <gtest/gtest.h>

namespace market::apps {
namespace {

struct FixedClock final : Clock {
  Instant now() const override { return at; }
  Instant at = *parse_rfc3339("2026-11-24T01:22:03.004Z");
};

TEST(IdClock, GoesOnAboveWhatWasGivenBeforeTheClockWasSetBack) {
  FixedClock clock;
  IdSource before(clock);
  std::int64_t last = 0;
  for (int i = 0; i < 1'000; ++i) last = before.next();
  clock.at -= Millis(3'600'000);
  const IdClock held(clock, last);
  IdSource after(held);
  EXPECT_GT(after.next(), last);
  clock.at += Millis(7'200'000);
  EXPECT_EQ(held.now(), clock.at) << "as soon as the clock is beyond, it counts";
}

TEST(IdClock, IsTheClockWhereNothingWasGivenOrAllIsPast) {
  FixedClock clock;
  EXPECT_EQ(IdClock(clock, 0).now(), clock.at);
  EXPECT_EQ(IdClock(clock, first_id_of(clock.at - Millis(5))).now(), clock.at);
}

}  // namespace
}  // namespace market::apps
