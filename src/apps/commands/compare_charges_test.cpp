#include "apps/commands/compare_charges.hpp"

#include <gtest/gtest.h>

namespace market::apps {
namespace {

class CompareCharges : public testing::Test {
 protected:
  void order(std::int64_t id, std::int64_t attempt, PaymentState payment) {
    Order& one = orders_[OrderId{id}];
    one.id = OrderId{id};
    one.attempt = AttemptId{attempt};
    one.payment = payment;
    one.total.amount = 500;
  }
  Charge& charge(std::int64_t attempt) {
    Charge& one = charges_[AttemptId{attempt}];
    one.attempt = AttemptId{attempt};
    one.amount.amount = 500;
    return one;
  }
  AuditedOrders orders_;
  BookedCharges charges_;
};

TEST_F(CompareCharges, MoneyOfOrdersIsRight) {
  order(1, 11, PaymentState::paid);
  order(2, 12, PaymentState::pending);
  order(3, 13, PaymentState::refunding);
  order(4, 14, PaymentState::refunded);
  order(5, 15, PaymentState::declined);
  for (const std::int64_t attempt : {11, 12, 13, 14, 15}) charge(attempt);
  charge(14).refunded = true;
  charge(15).declined = true;
  charge(16);  // Of an order that the log has told of since.
  EXPECT_EQ(missing_charges(orders_, charges_), "");
  EXPECT_EQ(unclaimed_charges(orders_, charges_), "");
}

TEST_F(CompareCharges, MoneyThatNoOrderAccountsForIsFound) {
  order(1, 12, PaymentState::paid);
  charge(12);
  charge(11);  // An earlier attempt of it: the buyer has paid twice.
  EXPECT_NE(unclaimed_charges(orders_, charges_).find("as attempt " + AttemptId{11}.text()),
            std::string::npos);
  charge(11).refunded = true;
  EXPECT_EQ(unclaimed_charges(orders_, charges_), "");
  order(1, 12, PaymentState::declined);
  EXPECT_NE(unclaimed_charges(orders_, charges_).find(AttemptId{12}.text()), std::string::npos);
}

TEST_F(CompareCharges, MoneyThatIsMissingIsFound) {
  order(1, 11, PaymentState::paid);
  EXPECT_NE(missing_charges(orders_, charges_), "");
  charge(11).amount.amount = 499;
  EXPECT_NE(missing_charges(orders_, charges_), "");
}

}  // namespace
}  // namespace market::apps
