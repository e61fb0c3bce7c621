#include "adapters/kafka/clock_witness.hpp"

#include <gtest/gtest.h>

namespace market::kafka {
namespace {

constexpr Instant sent{Millis(1'800'000'000'000)};

TEST(ClockWitness, ASlowBrokerIsNoWrongClock) {
  ClockWitness witness;
  const Instant read = sent + Millis(30'000);
  for (const Millis after : {Millis(0), Millis(15'000), Millis(30'000)}) {
    witness.told_by_own(sent + after, sent, read);
    EXPECT_EQ(witness.off(), Millis(0)) << after.count();
  }
}

TEST(ClockWitness, OurOwnRecordTellsBothWaysAndTheNextOneTellsAnew) {
  ClockWitness witness;
  const Instant read = sent + Millis(10);
  witness.told_by_own(sent - Millis(5'000), sent, read);
  EXPECT_EQ(witness.off(), Millis(5'000)) << "ahead";
  witness.told_by_own(read + Millis(5'000), sent, read);
  EXPECT_EQ(witness.off(), Millis(-5'000)) << "behind";
  witness.told_by_own(read, sent, read);
  EXPECT_EQ(witness.off(), Millis(0));
}

TEST(ClockWitness, ARecordOfOthersTellsOnlyThatWeAreBehind) {
  ClockWitness witness;
  witness.told(sent - Millis(60'000), sent);
  EXPECT_EQ(witness.off(), Millis(0)) << "it may have lain there for a minute";
  witness.told(sent + Millis(900), sent);
  EXPECT_EQ(witness.off(), Millis(0)) << "clocks differ a little";
  witness.told(sent + Millis(2'000), sent);
  EXPECT_EQ(witness.off(), Millis(-2'000));
  witness.told(sent - Millis(1), sent);
  EXPECT_EQ(witness.off(), Millis(-2'000)) << "which proves nothing for it";
}

}  // namespace
}  // namespace market::kafka
