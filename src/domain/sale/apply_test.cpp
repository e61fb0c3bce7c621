#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

class Apply : public testing::Test {
 protected:
  ~Apply() override { EXPECT_EQ(first_violation(sale_.state), ""); }
  TestSale sale_;
};

TEST_F(Apply, AnAcceptanceTakesUnitsTicketsLimitAndKey) {
  sale_.list(shoes, 5);
  PlaceOrder asked = place(1, alice, shoes, 2);
  asked.key = RequestKey{7, 8};
  asked.body_fingerprint = 9;
  const OrderPtr order = sale_.carry_out(asked);
  EXPECT_EQ(sale_.state.orders.at(OrderId{1}), order);
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{5, 3, 2}));
  EXPECT_EQ(sale_.bought(shoes, alice), 2);
  EXPECT_EQ(sale_.state.keys.at(asked.key).order, OrderId{1});
  EXPECT_EQ(sale_.state.keys.at(asked.key).body_fingerprint, 9u);
}

TEST_F(Apply, RefusesAnAcceptanceBeyondTheStockAndCountsIt) {
  sale_.list(shoes, 5);
  sale_.list(cap, 1);
  PlaceOrder asked = place(1, alice, shoes);
  asked.lines.push_back(WantedLine{cap, 1});
  const Event accepted = std::get<Event>(sale_.ask(asked));
  sale_.accepted(2, bob, cap);  // Between decide and apply: a bug that must not become an oversell.
  EXPECT_EQ(apply(sale_.state, accepted), nullptr);
  EXPECT_EQ(sale_.state.oversell_prevented, 1);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 5) << "none of its lines is taken";
  EXPECT_FALSE(sale_.state.orders.contains(OrderId{1}));
}

TEST_F(Apply, RefusesAnOlderEpochAndAKnownOrder) {
  sale_.list(shoes, 5);
  const Event accepted = std::get<Event>(sale_.ask(place(1, alice, shoes)));
  ASSERT_TRUE(apply(sale_.state, accepted));
  EXPECT_EQ(apply(sale_.state, accepted), nullptr) << "twice";
  const Event stale = std::get<Event>(sale_.ask(place(2, alice, shoes)));
  sale_.carry_out(OpenEpoch{1});
  EXPECT_EQ(apply(sale_.state, stale), nullptr) << "a writer that was replaced";
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 4);
  EXPECT_EQ(sale_.state.oversell_prevented, 0);
}

TEST_F(Apply, ExpiryGivesUnitsAndLimitBackButNeverATicket) {
  sale_.list(shoes, 2, limited_terms(2));
  sale_.accepted(1, alice, shoes, 2);
  const OrderPtr order = sale_.expired(1);
  EXPECT_EQ(order->state, OrderState::expired);
  EXPECT_EQ(order->updated_at, sale_.now);
  EXPECT_EQ(order->history.back(), (StateChange{OrderState::expired, sale_.now}));
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{2, 2, 2}));
  EXPECT_EQ(sale_.bought(shoes, alice), 0);
  EXPECT_EQ(sale_.accepted(2, bob, shoes)->lines[0].ticket, 2);
}

TEST_F(Apply, EachStepOfAPayment) {
  sale_.list(shoes, 2);
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.paying(1, alice, 7)->payment, PaymentState::pending);
  EXPECT_EQ(sale_.state.orders.at(OrderId{1})->attempt, AttemptId{7});
  const OrderPtr declined = sale_.settled(1, 7, PaymentOutcome::declined);
  EXPECT_EQ(declined->payment, PaymentState::declined);
  EXPECT_EQ(declined->state, OrderState::accepted) << "it can still be paid";
  sale_.paying(1, alice, 8);
  sale_.now = at(50);
  const OrderPtr paid = sale_.settled(1, 8, PaymentOutcome::captured);
  EXPECT_EQ(paid->payment, PaymentState::paid);
  EXPECT_EQ(paid->state, OrderState::paid);
  EXPECT_EQ(paid->history.back(), (StateChange{OrderState::paid, at(50)}));
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 1) << "money in time moves no unit";
}

TEST_F(Apply, ACancellationGivesEverythingBack) {
  sale_.list(shoes, 3);
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.carry_out(CancelOrder{OrderId{1}, alice})->payment, PaymentState::none)
      << "nothing is owed";
  sale_.paid(2, alice, shoes);
  const OrderPtr cancelled = sale_.carry_out(CancelOrder{OrderId{2}, alice});
  EXPECT_EQ(cancelled->state, OrderState::cancelled);
  EXPECT_EQ(cancelled->payment, PaymentState::refunding);
  EXPECT_TRUE(cancelled->has_open_work());
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 3);
  EXPECT_EQ(sale_.bought(shoes, alice), 0);
}

TEST_F(Apply, AReturnGivesUnitsAndMoneyBackButNotTheLimit) {
  sale_.list(shoes, 1, limited_terms(1));
  sale_.paid(1, alice, shoes);
  for (const auto state : {OrderState::preparing, OrderState::shipped, OrderState::delivered})
    EXPECT_EQ(sale_.moved(1, state)->payment, PaymentState::paid);
  EXPECT_EQ(sale_.moved(1, OrderState::return_requested)->payment, PaymentState::paid);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 0) << "it is still on its way back";
  const OrderPtr returned = sale_.moved(1, OrderState::returned);
  EXPECT_EQ(returned->payment, PaymentState::refunding);
  EXPECT_EQ(returned->history.size(), 7u);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 1);
  EXPECT_EQ(sale_.refusal(place(2, alice, shoes)), Code::limit_exceeded);
}

TEST_F(Apply, ARestockReopensASoldOutProduct) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.refusal(place(2, bob, shoes)), Code::sold_out);
  sale_.carry_out(AdjustStock{shoes, 2, "restock"});
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{3, 2, 2}));
  EXPECT_EQ(sale_.accepted(2, bob, shoes)->lines[0].ticket, 2);
  sale_.carry_out(AdjustStock{shoes, -1, "lost"});
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{2, 0, 3}));
}

TEST_F(Apply, NewTermsChangeNoOldOrder) {
  sale_.list(shoes, 2, event_terms(500));
  sale_.accepted(1, alice, shoes);
  sale_.carry_out(ChangeProduct{shoes, event_terms(900)});
  EXPECT_EQ(sale_.state.orders.at(OrderId{1})->total.amount, 500);
  EXPECT_EQ(sale_.accepted(2, alice, shoes)->total.amount, 900);
}

TEST_F(Apply, AnEventOfAForgottenOrderStillMovesItsUnits) {
  sale_.list(shoes, 2);
  sale_.accepted(1, alice, shoes);
  const Event expiry{at(5), 0, OrderVoided{OrderId{1}, alice, {MovedUnits{shoes, 1}}, VoidReason::unpaid}};
  sale_.state.orders.erase(OrderId{1});
  EXPECT_EQ(apply(sale_.state, expiry), nullptr);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 2);
  EXPECT_EQ(sale_.bought(shoes, alice), 0);
}

TEST_F(Apply, PublishedOrdersNeverChange) {
  sale_.list(shoes, 1);
  const OrderPtr before = sale_.accepted(1, alice, shoes);
  const Order copy = *before;
  sale_.paying(1, alice, 1);
  EXPECT_EQ(*before, copy) << "another thread may be reading it";
}

TEST_F(Apply, TheSameEventsMakeTheSameStateInAnyTable) {
  TestSale other;
  for (TestSale* sale : {&sale_, &other}) {
    // The other way round for the second: hash tables then hold them in another order.
    for (int i = 0; i < 20; ++i) sale->list(ProductId{sale == &other ? 119 - i : 100 + i}, 5);
    sale->paid(1, alice, ProductId{100});
  }
  EXPECT_EQ(state_hash(sale_.state), state_hash(other.state));
  other.accepted(2, bob, ProductId{101});
  EXPECT_NE(state_hash(sale_.state), state_hash(other.state));
}

TEST(FirstViolation, FindsWhatABugWouldBreak) {
  TestSale sale;
  sale.list(shoes, 5);
  sale.accepted(1, alice, shoes, 2);
  ASSERT_EQ(first_violation(sale.state), "");
  const auto found_after = [&](auto damage) {
    SaleState damaged = sale.state;
    damage(damaged.products.at(shoes));
    return !first_violation(damaged).empty();
  };
  EXPECT_TRUE(found_after([](SaleProduct& p) { ++p.stock.remaining; }));
  EXPECT_TRUE(found_after([](SaleProduct& p) { p.stock.remaining = p.stock.capacity = -1; }));
  EXPECT_TRUE(found_after([](SaleProduct& p) { p.stock.next_ticket = 1; }));
  EXPECT_TRUE(found_after([](SaleProduct& p) { ++p.buyers[alice]; }));
  EXPECT_TRUE(found_after([](SaleProduct& p) { p.buyers[bob] = 1; }));
}

}  // namespace
}  // namespace market
