#include "base/line_limit.hpp"

#include <gtest/gtest.h>

namespace market {
namespace {

constexpr Instant start{Millis(1'000)};

TEST(LineLimit, AllowsTheSameLineNowAndThen) {
  LineLimit said;
  int lines = 0;
  for (Millis passed{0}; passed < 2 * LineLimit::same_line_every; passed += Millis(20))
    lines += said.allows("Kafka is away", start + passed);
  EXPECT_EQ(lines, 2);
}

TEST(LineLimit, TellsLinesApartThatTakeTurns) {
  LineLimit said;
  EXPECT_TRUE(said.allows("one", start));
  EXPECT_TRUE(said.allows("other", start));
  EXPECT_FALSE(said.allows("one", start));
  EXPECT_FALSE(said.allows("other", start));
}

TEST(LineLimit, KnowsAFewLinesAlone) {
  LineLimit said;
  for (std::size_t i = 0; i < LineLimit::lines_known_max; ++i)
    EXPECT_TRUE(said.allows(std::to_string(i), start));
  EXPECT_FALSE(said.allows("0", start));
  EXPECT_TRUE(said.allows("one more", start));
  EXPECT_TRUE(said.allows("0", start)) << "the oldest has made room";
  EXPECT_FALSE(said.allows("one more", start));
}

}  // namespace
}  // namespace market
