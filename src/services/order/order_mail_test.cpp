#include "services/order/order_mail.hpp"

#include <gtest/gtest.h>

namespace market::order {
namespace {

std::string name(ProductId, std::int64_t) {
  return "<b>Bag</b>";
}

Order order() {
  Order order;
  order.id = OrderId{42};
  order.pay_by = Instant(Millis(1'790'000'000'000));
  order.total = Money{123'456, *Currency::parse("USD")};
  order.lines.push_back({ProductId{7}, 1, 2, Money{61'728, *Currency::parse("USD")}, 9});
  return order;
}

TEST(OrderMail, SaysWhatTheBuyerMustKnow) {
  Event event;
  event.fact = OrderAccepted{};
  const auto mail = mail_about(event, order(), "김철수", name);
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->kind, "order.accepted");
  EXPECT_NE(mail->text.find("김철수 님"), std::string::npos);
  EXPECT_NE(mail->text.find("2 x <b>Bag</b> (617.28 USD), No. 9"), std::string::npos) << mail->text;
  EXPECT_NE(mail->text.find("1234.56 USD"), std::string::npos);
  EXPECT_NE(mail->text.find("2026-09-21 23:13 KST"), std::string::npos) << mail->text;
  EXPECT_NE(mail->subject.find(OrderId{42}.text()), std::string::npos);
}

TEST(OrderMail, BuyersAreToldOfTheirOrdersAlone) {
  const Fact silent[] = {ProductListed{}, StockAdjusted{}, PaymentStarted{},
                         GraceGranted{},  Refused{},       Barrier{}};
  for (const Fact& fact : silent) {
    Event event;
    event.fact = fact;
    EXPECT_EQ(order_kind_of(fact), "");
    EXPECT_FALSE(mail_about(event, order(), "Kim", name));
  }
  OrderMoved moved;
  moved.state = OrderState::preparing;
  Event event;
  event.fact = moved;
  EXPECT_EQ(order_kind_of(event.fact), "order.preparing") << "for shops";
  EXPECT_FALSE(mail_about(event, order(), "Kim", name)) << "not for buyers";
}

TEST(OrderMail, EveryOtherEventHasItsMail) {
  std::vector<Fact> all{OrderAccepted{},  OrderPaid{},  PaymentDeclined{}, OrderVoided{},
                        OrderCancelled{}, RefundOwed{}, Refunded{}};
  for (const OrderState state :
       {OrderState::shipped, OrderState::delivered, OrderState::return_requested, OrderState::returned}) {
    OrderMoved moved;
    moved.state = state;
    all.emplace_back(moved);
  }
  for (const Fact& fact : all) {
    Event event;
    event.fact = fact;
    const auto mail = mail_about(event, order(), "Kim", name);
    ASSERT_TRUE(mail) << order_kind_of(fact);
    EXPECT_EQ(mail->text.find('{'), std::string::npos) << mail->text;
  }
}

TEST(OrderMail, NobodyIsToldOfAPaymentThatWasNotTried) {
  Event event;
  event.fact = PaymentDeclined{OrderId{42}, {}, {}, PaymentState::none};
  EXPECT_FALSE(mail_about(event, order(), "Kim", name));
}

TEST(OrderMail, ADeclineThatBecomesKnownLateOffersNoOtherTry) {
  Event event;
  event.fact = PaymentDeclined{};
  Order about = order();
  event.at = about.pay_by - Millis(1);
  EXPECT_NE(mail_about(event, about, "Kim", name)->text.find("another way until"), std::string::npos);
  event.at = about.pay_by;
  const auto late = mail_about(event, about, "Kim", name);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->kind, "order.payment_declined");
  EXPECT_EQ(late->text.find("until"), std::string::npos) << late->text;
  about.history = {{OrderState::accepted, Instant{}}, {OrderState::expired, about.pay_by + Millis(5)}};
  EXPECT_TRUE(mail_about(event, about, "Kim", name)) << "it ended behind this";
  event.at = about.pay_by + Millis(3'600'000);
  EXPECT_FALSE(mail_about(event, about, "Kim", name)) << "its end was told";
}

}  // namespace
}  // namespace market::order
