#include <gtest/gtest.h>

#include "tests/support/selling_gate.hpp"

namespace market::sale {
namespace {

using tests::order_of_one;
using GateSettlement = tests::SellingGate;

TEST_F(GateSettlement, MoneyIsSettledThoughItsKeyWasBoundElsewhereAndForgotten) {
  make();
  const auto paid = on->submit(order_of_one(product, 1, 5));
  ASSERT_TRUE(paid);
  const auto started = on->submit(StartPayment{paid->order(), UserId{1}});
  ASSERT_TRUE(started && started->event);
  const AttemptId attempt = std::get<PaymentStarted>(started->event->event.fact).attempt;
  const auto other = on->submit(order_of_one(product, 1, 6));  // The payment's key, bound meanwhile.
  ASSERT_TRUE(other && on->submit(CancelOrder{other->order(), UserId{1}}));
  ASSERT_TRUE(on->wait_until_folded());
  ASSERT_TRUE(on->submit(order_of_one(product, 2, 7)));  // The writer forgets after each group.
  ASSERT_TRUE(on->submit(order_of_one(product, 2, 8)));
  Command settled = SettlePayment{paid->order(), attempt, PaymentOutcome::captured};
  settled.key = order_of_one(product, 1, 6).key;
  settled.fingerprint = 99;
  const auto answer = on->submit(settled);
  ASSERT_TRUE(answer) << answer.error().detail;
  ASSERT_TRUE(answer->event && std::holds_alternative<OrderPaid>(answer->event->event.fact));
  EXPECT_FALSE(answer->event->event.key) << "it stays bound to the other order";
  const auto again = on->submit(order_of_one(product, 1, 6));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->subject, other->subject);
}

}  // namespace
}  // namespace market::sale
