#include "domain/sale/event_kind.hpp"

#include <gtest/gtest.h>

namespace market {
namespace {

/// The names are the API's: webhooks, mails and public events carry them.
TEST(OrderKind, IsTheApisNameOfWhatHappened) {
  const OrderId order{1};
  const UserId user{2};
  const AttemptId attempt{3};
  const std::pair<Fact, std::string> named[] = {
      {OrderAccepted{order, user, {}, {}, {}}, "order.accepted"},
      {OrderPaid{order, user, attempt, false, {}, {}}, "order.paid"},
      {PaymentDeclined{order, user, attempt}, "order.payment_declined"},
      {PaymentDeclined{order, user, attempt, PaymentState::none}, ""},
      {OrderVoided{order, user, {}, {}, VoidReason::unpaid}, "order.expired"},
      {OrderCancelled{order, user, {}, {}}, "order.cancelled"},
      {RefundOwed{order, user, attempt}, "order.refund_owed"},
      {Refunded{order, user, attempt}, "order.refunded"},
      {OrderMoved{order, user, OrderState::preparing, {}, {}, {}}, "order.preparing"},
      {OrderMoved{order, user, OrderState::shipped, {}, {}, {}}, "order.shipped"},
      {OrderMoved{order, user, OrderState::delivered, {}, {}, {}}, "order.delivered"},
      {OrderMoved{order, user, OrderState::return_requested, {}, {}, {}}, "order.return_requested"},
      {OrderMoved{order, user, OrderState::returned, {}, {}, {}}, "order.returned"},
      {OrderMoved{order, user, OrderState::paid, {}, {}, {}}, ""},
      {PaymentStarted{order, user, attempt}, ""},
      {StockAdjusted{ProductId{1}, 1, ""}, ""},
      {Barrier{}, ""},
  };
  for (const auto& [fact, name] : named) EXPECT_EQ(order_kind_of(fact), name) << fact.index();
}

}  // namespace
}  // namespace market
