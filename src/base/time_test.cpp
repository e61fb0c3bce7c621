#include "base/time.hpp"

#include <gtest/gtest.h>

namespace market {
namespace {

TEST(Time, WritesAndReadsRfc3339) {
  const auto at = parse_rfc3339("2026-11-24T01:22:03.004Z");
  ASSERT_TRUE(at);
  EXPECT_EQ(format_rfc3339(*at), "2026-11-24T01:22:03.004Z");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-11-24T10:22:03+09:00")), "2026-11-24T01:22:03.000Z");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-11-24t01:22:03.12345z")), "2026-11-24T01:22:03.123Z");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2016-12-31T23:59:60Z")), "2017-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("1990-12-31T15:59:60.5-08:00")), "1991-01-01T00:00:00.500Z");
  for (const char* text : {"0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z",
                           "1970-01-01T00:00:00.000Z", "2024-02-29T12:34:56.789Z"})
    EXPECT_EQ(format_rfc3339(*parse_rfc3339(text)), text);
}

TEST(Time, RefusesWhatIsNoDateTime) {
  for (const char* text : {"",
                           "2026",
                           "2026-13-01T00:00:00Z",
                           "2026-02-30T00:00:00Z",
                           "2026-11-24 01:22:03Z",
                           "2026-11-24T24:00:00Z",
                           "2026-11-24T01:22:03",
                           "2026-11-24T01:22:03.Z",
                           "2026-11-24T01:22:03+9:00",
                           "2026-11-24T01:22:03Zx",
                           "2026-11-24T01:22:03+09:60",
                           "0000-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:00-00:01",
                           "2026-11-24T10:00:60Z",
                           "2026-12-31T22:59:60Z",
                           "2026-01-31T23:59:60Z",
                           "2026-06-30T23:59:60Z",
                           "2018-06-30T23:59:60Z",
                           "2016-06-30T23:59:60Z",
                           "2015-12-31T23:59:60Z",
                           "2026-02-28T23:59:60Z",
                           "2026-09-30T23:59:60Z",
                           "2026-03-31T23:59:60Z",
                           "2026-12-30T23:59:60Z",
                           "2016-12-31T23:59:60+01:00"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(Time, ReadsDurations) {
  EXPECT_EQ(*parse_duration("250ms"), Millis(250));
  EXPECT_EQ(*parse_duration("3s"), Millis(3'000));
  EXPECT_EQ(*parse_duration("10m"), Millis(600'000));
  EXPECT_EQ(*parse_duration("24h"), Millis(86'400'000));
  EXPECT_TRUE(parse_duration("87840h"));
  const auto longer = parse_duration("87841h");
  EXPECT_NE(longer.error().detail.find("87840h at most"), std::string::npos) << longer.error().detail;
  for (const char* text : {"", "10", "ms", "-1s", "1.5s", "10 m", "99999999999999999h", "1d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Time, WritesDurationsAsTheyAreRead) {
  for (const char* text : {"0s", "250ms", "1500ms", "90s", "10m", "90m", "24h"})
    EXPECT_EQ(format_duration(*parse_duration(text)), text);
}

}  // namespace
}  // namespace market
