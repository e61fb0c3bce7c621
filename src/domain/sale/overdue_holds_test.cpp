#include "domain/sale/overdue_holds.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

/// A log of which every event is written here; orders are to be paid a second after they were accepted.
class OverdueHoldsTest : public testing::Test {
 protected:
  /// A barrier every 400 ms, as a writer of a shared log that has nothing else.
  std::string idle(Millis duration) {
    std::string found;
    for (const Instant end = now_ + duration; now_ < end; now_ += Millis(400))
      if (auto held = see(Barrier{}); found.empty()) found = held;
    return found;
  }
  std::string accept(std::int64_t id) {
    OrderAccepted fact{OrderId{id}, alice, now_ + Millis(1'000), {}, {}};
    return see(fact);
  }
  std::string expire(std::int64_t id) { return see(OrderVoided{OrderId{id}, alice, {}, {}}); }
  std::string see(Fact fact) {
    CountedEvent counted{++place_, Event{now_, {}, 0, {}, std::move(fact)}};
    const OrderId id = order_of(counted.event.fact);
    if (std::holds_alternative<OrderAccepted>(counted.event.fact))
      orders_.emplace(id, accepted_order(counted));
    else if (id)
      fold_order(orders_.at(id), counted);
    return holds_.see(counted.event, orders_);
  }

  Instant now_ = at(0);
  Place place_ = 0;
  OverdueHolds::Orders orders_;
  OverdueHolds holds_{Millis(2'000)};
};

TEST_F(OverdueHoldsTest, UnitsThatAreHeldWhileOthersAreWrittenAreFound) {
  ASSERT_EQ(accept(1), "");
  EXPECT_EQ(idle(Millis(5'500)), "");
  EXPECT_NE(idle(Millis(1'500)).find("still holds its units"), std::string::npos);
}

TEST_F(OverdueHoldsTest, AnOrderThatEndsInTimeIsNone) {
  ASSERT_EQ(accept(1), "");
  EXPECT_EQ(idle(Millis(1'200)), "");
  EXPECT_EQ(expire(1), "");
  EXPECT_EQ(idle(Millis(20'000)), "");
}

TEST_F(OverdueHoldsTest, AnOpenPaymentAndAGraceMoveTheEnd) {
  ASSERT_EQ(accept(1), "");
  ASSERT_EQ(see(PaymentStarted{OrderId{1}, alice, AttemptId{7}}), "");
  EXPECT_EQ(idle(Millis(7'600)), "") << "1 s to pay, 2 s for the attempt, 5 s of slack";
  ASSERT_EQ(see(GraceGranted{now_ + Millis(10'000)}), "");
  EXPECT_EQ(idle(Millis(16'500)), "");
  EXPECT_NE(idle(Millis(1'500)), "");
}

TEST_F(OverdueHoldsTest, WhileNobodyWritesNobodyIsLate) {
  ASSERT_EQ(accept(1), "");
  now_ += Millis(3'600'000);  // Stopped, or cut off from the log.
  EXPECT_EQ(idle(Millis(3'500)), "");
  EXPECT_NE(idle(Millis(3'500)), "");
}

TEST_F(OverdueHoldsTest, WhoGivesBackManyAtOnceIsAtIt) {
  for (int id = 1; id <= 100; ++id, now_ += Millis(1)) ASSERT_EQ(accept(id), "");
  now_ += Millis(2'000);
  for (int id = 1; id <= 100; ++id, now_ += Millis(200)) ASSERT_EQ(expire(id), "") << "20 s, one by one";
}

TEST_F(OverdueHoldsTest, OneThatIsPassedOverIsFound) {
  std::string found;
  for (int id = 1; id <= 20 && found.empty(); ++id) {
    found = accept(id);
    if (found.empty()) found = idle(Millis(1'200));
    if (id != 3 && found.empty()) found = expire(id);
  }
  EXPECT_NE(found.find(OrderId{3}.text()), std::string::npos) << found;
}

}  // namespace
}  // namespace market
