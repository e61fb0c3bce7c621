#include "base/failpoint.hpp"

#include <gtest/gtest.h>

namespace market {
namespace {

TEST(Failpoint, EndsTheProcessAtItsPlaceTheNthTime) {
  const auto third = Failpoint::parse("count:3");
  ASSERT_TRUE(third);
  const Failpoint copy = *third;
  third->reach(Failpoint::At::count);
  copy.reach(Failpoint::At::count);
  third->reach(Failpoint::At::append);
  EXPECT_EXIT(copy.reach(Failpoint::At::count), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(Failpoint::parse("charge")->reach(Failpoint::At::charge), testing::KilledBySignal(SIGKILL), "");
}

TEST(Failpoint, IsToldTheNthTimeAndNotAgain) {
  const auto second = Failpoint::parse("producer:2");
  EXPECT_FALSE(second->reached(Failpoint::At::producer));
  EXPECT_FALSE(second->reached(Failpoint::At::append));
  EXPECT_TRUE(second->reached(Failpoint::At::producer));
  EXPECT_FALSE(second->reached(Failpoint::At::producer));
}

TEST(Failpoint, HasANameForEachPlace) {
  using At = Failpoint::At;
  for (const auto& [name, at] :
       {std::pair{"append", At::append}, std::pair{"count", At::count}, std::pair{"effect", At::effect},
        std::pair{"attempt", At::attempt}, std::pair{"charge", At::charge}, std::pair{"settle", At::settle},
        std::pair{"refund", At::refund}, std::pair{"post", At::post}, std::pair{"producer", At::producer}}) {
    const auto found = Failpoint::parse(name);
    EXPECT_TRUE(found && found->reached(at)) << name;
  }
}

TEST(Failpoint, IsNowhereUnlessItIsNamed) {
  const auto none = Failpoint::parse("");
  ASSERT_TRUE(none);
  none->reach(Failpoint::At::append);
  EXPECT_TRUE(Failpoint::parse("append:2:stop"));
  EXPECT_TRUE(Failpoint::parse("effect:stop"));
  for (const char* wrong :
       {"nowhere", "append:0", "append:x", "append:2:x", "append:2:stop:3", ":2", "Append"})
    EXPECT_FALSE(Failpoint::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace market
