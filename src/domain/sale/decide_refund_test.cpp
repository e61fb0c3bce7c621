#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

class DecideRefund : public testing::Test {
 protected:
  TestSale sale_;
};

TEST_F(DecideRefund, MoneyOfAShippedOrderGoesBackOnceAndTheOrderStays) {
  sale_.list(shoes, 1);
  sale_.paid(1, alice, shoes);
  const RefundOrder refund{OrderId{1}};
  EXPECT_EQ(sale_.refusal(RefundOrder{OrderId{9}}), Code::order_not_found);
  EXPECT_EQ(sale_.refusal(refund), Code::order_not_refundable) << "it is cancelled instead";
  sale_.moved(1, OrderState::preparing);
  EXPECT_EQ(sale_.refusal(refund), Code::order_not_refundable);
  sale_.moved(1, OrderState::shipped);
  const OrderPtr order = sale_.carry_out(refund);
  EXPECT_EQ(order->state, OrderState::shipped);
  EXPECT_EQ(order->payment, PaymentState::refunding);
  EXPECT_TRUE(sale_.changes_nothing(refund)) << "owed once";
  EXPECT_EQ(sale_.settled(1, 1, PaymentOutcome::refunded)->payment, PaymentState::refunded);
  EXPECT_TRUE(sale_.changes_nothing(refund));
  for (const auto state : {OrderState::delivered, OrderState::return_requested, OrderState::returned})
    EXPECT_EQ(sale_.refusal(MoveOrder{OrderId{1}, UserId{}, state, {}}), Code::order_not_movable);
  EXPECT_EQ(sale_.refusal(MoveOrder{OrderId{1}, alice, OrderState::return_requested, {}}),
            Code::order_not_returnable);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 0) << "the unit is with the buyer";
  EXPECT_EQ(sale_.violation(), "");
}

TEST_F(DecideRefund, AReturnThatWasAskedForIsRefundedOnce) {
  sale_.list(shoes, 1);
  sale_.paid(1, alice, shoes);
  for (const auto state :
       {OrderState::preparing, OrderState::shipped, OrderState::delivered, OrderState::return_requested})
    sale_.moved(1, state);
  EXPECT_TRUE(sale_.leads_to<RefundOwed>(RefundOrder{OrderId{1}}));
  sale_.moved(1, OrderState::returned);
  EXPECT_EQ(sale_.refusal(RefundOrder{OrderId{1}}), Code::order_not_refundable);
}

}  // namespace
}  // namespace market
