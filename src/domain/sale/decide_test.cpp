#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

class Decide : public testing::Test {
 protected:
  TestSale sale_;
};
class DecidePlace : public Decide {};
class DecidePayment : public Decide {};
class DecideExpiry : public Decide {};
class DecideMove : public Decide {};

// ---- Placing an order ----

TEST_F(DecidePlace, TakesPriceTicketAndTimesFromTheServer) {
  sale_.list(shoes, 10, event_terms(500));
  ProductTerms regular = event_terms(30);
  regular.kind = ProductKind::regular;
  sale_.list(cap, 10, regular);
  sale_.accepted(1, bob, shoes);
  PlaceOrder wanted = place(alice, shoes, 3);
  wanted.lines.push_back(WantedLine{cap, 2});
  Command asked = wanted;
  asked.key = RequestKey{7, 8};
  asked.fingerprint = 9;
  asked.id = CommandId{4, 5, 6};
  const Event event = sale_.event_of(asked);
  EXPECT_EQ(event.key, asked.key);
  EXPECT_EQ(event.fingerprint, 9u);
  EXPECT_EQ(event.command, asked.id);
  const OrderPtr order = sale_.put(event);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->total.amount, 3 * 500 + 2 * 30);
  EXPECT_EQ(order->lines[0], (OrderLine{shoes, 1, 3, Money{500, {}}, 2}))
      << "the second ticket of this product";
  EXPECT_EQ(order->lines[1].ticket, 0) << "a regular product has no tickets";
  EXPECT_EQ(order->created_at, at(0));
  EXPECT_EQ(order->pay_by, at(1'000));
  EXPECT_EQ(order->payment, PaymentState::none);
  ASSERT_EQ(order->history.size(), 1u);
  EXPECT_EQ(order->history[0], (StateChange{OrderState::accepted, at(0)}));
}

TEST_F(DecidePlace, ABoundKeyAnswersItsOrderWhateverHasHappenedSince) {
  sale_.list(shoes, 1);
  Command asked = place(alice, shoes);
  asked.key = RequestKey{7, 8};
  asked.fingerprint = 9;
  sale_.carry_out(asked, 1);
  ProductTerms withdrawn = event_terms();
  withdrawn.withdrawn = true;
  sale_.carry_out(sale_.change_of(shoes, withdrawn));
  const Decision repeated = sale_.ask(asked);
  ASSERT_TRUE(std::holds_alternative<Replayed>(repeated));
  EXPECT_EQ(std::get<Replayed>(repeated).subject, 1);
  asked.fingerprint = 10;
  EXPECT_EQ(sale_.refusal(asked), Code::idempotency_mismatch) << "before any other refusal";
  std::get<PlaceOrder>(asked.body).lines.clear();
  EXPECT_EQ(sale_.refusal(asked), Code::idempotency_mismatch);
}

TEST_F(DecidePlace, RequestsWithoutAKeyAreNeverTakenForEachOther) {
  sale_.list(shoes, 2);
  sale_.accepted(1, alice, shoes);
  EXPECT_TRUE(sale_.leads_to<OrderAccepted>(place(alice, shoes)));
}

TEST_F(DecidePlace, RefusesInTheOrderOfTheContract) {
  // One product that breaks every rule at once; each step mends the first rule that refuses.
  ProductTerms terms = limited_terms(1);
  terms.sale->opens_at = at(100);
  terms.sale->closes_at = at(200);
  terms.withdrawn = true;
  sale_.list(shoes, 0, terms);
  PlaceOrder asked = place(alice, shoes, 0);
  EXPECT_EQ(sale_.refusal(asked), Code::product_not_found);
  asked.lines[0].product = unknown_product;
  EXPECT_EQ(sale_.refusal(asked), Code::product_not_found);
  asked.lines[0].product = cap;
  terms.withdrawn = false;
  sale_.list(cap, 0, terms);
  EXPECT_EQ(sale_.refusal(asked), Code::validation) << "a quantity of 0";
  asked.lines[0].quantity = OrderLine::quantity_max + 1;
  EXPECT_EQ(sale_.refusal(asked), Code::validation);
  asked.lines[0].quantity = 3;
  EXPECT_EQ(sale_.refusal(asked), Code::sale_not_open);
  sale_.now = at(200);
  EXPECT_EQ(sale_.refusal(asked), Code::sale_closed);
  sale_.now = at(100);
  EXPECT_EQ(sale_.refusal(asked), Code::sold_out) << "at 0 units, whatever was asked for";
  sale_.carry_out(AdjustStock{cap, 2, "restock"});
  EXPECT_EQ(sale_.refusal(asked), Code::limit_exceeded) << "the buyer's limit before the stock";
  terms.sale->per_user_limit.reset();
  sale_.carry_out(sale_.change_of(cap, terms));
  EXPECT_EQ(sale_.refusal(asked), Code::insufficient_stock);
  sale_.carry_out(AdjustStock{cap, 1, "restock"});
  EXPECT_EQ(sale_.refusal(asked), std::nullopt);
}

TEST_F(DecidePlace, SaysWhenTheSaleOpens) {
  ProductTerms terms = limited_terms(1);
  terms.sale->opens_at = at(100);
  sale_.list(shoes, 1, terms);
  const Decision early = sale_.ask(place(alice, shoes));
  const auto* error = std::get_if<Error>(&early);
  ASSERT_TRUE(error && error->extras);
  EXPECT_EQ(error->extras->opens_at, format_rfc3339(at(100)));
}

TEST_F(DecidePlace, TheWindowIsOpenFromItsFirstMomentUntilBeforeItsLast) {
  ProductTerms terms = limited_terms(1);
  terms.sale = Sale{at(100), at(200), std::nullopt};
  sale_.list(shoes, 1, terms);
  for (const auto& [millis, refusal] : {std::pair(99, std::optional(Code::sale_not_open)),
                                        {100, std::nullopt},
                                        {199, std::nullopt},
                                        {200, std::optional(Code::sale_closed)}}) {
    sale_.now = at(millis);
    EXPECT_EQ(sale_.refusal(place(alice, shoes)), refusal) << millis;
  }
}

TEST_F(DecidePlace, CountsTheLimitPerBuyerOverAllTheirLiveOrders) {
  sale_.list(shoes, 10, limited_terms(2));
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.refusal(place(alice, shoes, 2)), Code::limit_exceeded);
  sale_.accepted(2, alice, shoes);
  EXPECT_EQ(sale_.refusal(place(alice, shoes)), Code::limit_exceeded);
  EXPECT_EQ(sale_.refusal(place(bob, shoes, 2)), std::nullopt);
}

TEST_F(DecidePlace, ALimitSetLaterKnowsWhatWasBoughtBefore) {
  sale_.list(shoes, 10);
  sale_.accepted(1, alice, shoes, 2);
  sale_.carry_out(sale_.change_of(shoes, limited_terms(2)));
  EXPECT_EQ(sale_.refusal(place(alice, shoes)), Code::limit_exceeded);
}

TEST_F(DecidePlace, TakesAllLinesOrNone) {
  sale_.list(shoes, 10);
  sale_.list(cap, 1);
  PlaceOrder asked = place(alice, shoes);
  asked.lines.push_back(WantedLine{cap, 2});
  EXPECT_EQ(sale_.refusal(asked), Code::insufficient_stock);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 10);
}

TEST_F(DecidePlace, RefusesLinesThatDoNotGoTogether) {
  sale_.list(shoes, 10);
  ProductTerms in_dollars = event_terms();
  in_dollars.price.currency = *Currency::parse("USD");
  sale_.list(cap, 10, in_dollars);
  PlaceOrder asked = place(alice, shoes);
  asked.lines.push_back(WantedLine{cap, 1});
  EXPECT_EQ(sale_.refusal(asked), Code::validation) << "two currencies";
  asked.lines[1].product = shoes;
  EXPECT_EQ(sale_.refusal(asked), Code::validation) << "a product twice";
  asked.lines.clear();
  EXPECT_EQ(sale_.refusal(asked), Code::validation) << "no lines";
  asked.lines.resize(order_lines_max + 1, WantedLine{shoes, 1});
  EXPECT_EQ(sale_.refusal(asked), Code::validation) << "21 lines";
}

TEST_F(DecidePlace, TheDearestOrderPossibleDoesNotOverflow) {
  PlaceOrder asked = place(alice, shoes, OrderLine::quantity_max);
  asked.lines.clear();
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(order_lines_max); ++i) {
    sale_.list(ProductId{100 + i}, ProductStock::stock_max, event_terms(Money::amount_max));
    asked.lines.push_back(WantedLine{ProductId{100 + i}, OrderLine::quantity_max});
  }
  EXPECT_EQ(sale_.carry_out(asked)->total.amount, Money::amount_max * 1'000 * 20);
}

// ---- Paying ----

TEST_F(DecidePayment, OnlyTheBuyerPaysAndOnlyOneAttemptAtATime) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.refusal(StartPayment{OrderId{1}, bob}), Code::order_not_found);
  EXPECT_EQ(sale_.refusal(StartPayment{OrderId{2}, alice}), Code::order_not_found);
  sale_.paying(1, alice, 1);
  EXPECT_EQ(sale_.refusal(StartPayment{OrderId{1}, alice}), Code::order_not_payable);
  sale_.settled(1, 1, PaymentOutcome::declined);
  EXPECT_EQ(sale_.refusal(StartPayment{OrderId{1}, alice}), std::nullopt)
      << "a declined card may be replaced";
  sale_.paying(1, alice, 2);
  sale_.settled(1, 2, PaymentOutcome::captured);
  EXPECT_EQ(sale_.refusal(StartPayment{OrderId{1}, alice}), Code::order_not_payable);
}

TEST_F(DecidePayment, StartsBeforePayByOrWithinTheGraceAfterADowntime) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  const StartPayment asked{OrderId{1}, alice};
  sale_.now = at(999);
  EXPECT_EQ(sale_.refusal(asked), std::nullopt);
  sale_.now = at(1'000);
  EXPECT_EQ(sale_.refusal(asked), Code::order_not_payable);
  sale_.carry_out(GrantGrace{at(1'500)});
  EXPECT_EQ(sale_.refusal(asked), std::nullopt);
  sale_.now = at(1'500);
  EXPECT_EQ(sale_.refusal(asked), Code::order_not_payable);
}

TEST_F(DecidePayment, AnAttemptIsSettledOnce) {
  sale_.list(shoes, 1);
  sale_.paid(1, alice, shoes);
  for (const auto outcome : {PaymentOutcome::captured, PaymentOutcome::declined, PaymentOutcome::refunded})
    EXPECT_TRUE(sale_.changes_nothing(SettlePayment{OrderId{1}, AttemptId{1}, outcome}));
  EXPECT_TRUE(sale_.changes_nothing(SettlePayment{OrderId{1}, AttemptId{2}, PaymentOutcome::captured}))
      << "an attempt that the order does not know";
  EXPECT_EQ(sale_.refusal(SettlePayment{OrderId{2}, AttemptId{1}, PaymentOutcome::captured}),
            Code::order_not_found);
}

TEST_F(DecidePayment, AnOrderWithoutAnAttemptIsNotSettledByNone) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  for (const auto outcome : {PaymentOutcome::captured, PaymentOutcome::declined, PaymentOutcome::refunded})
    EXPECT_TRUE(sale_.changes_nothing(SettlePayment{OrderId{1}, AttemptId{}, outcome}));
}

TEST_F(DecidePayment, LateMoneyTakesTheUnitsAgainWithFreshTickets) {
  sale_.list(shoes, 3);
  sale_.accepted(1, alice, shoes, 2);
  sale_.paying(1, alice, 1);
  sale_.expired(1);
  sale_.accepted(2, bob, shoes);
  const OrderPtr order = sale_.settled(1, 1, PaymentOutcome::captured);
  EXPECT_EQ(order->state, OrderState::paid);
  EXPECT_EQ(order->lines[0].ticket, 3) << "ticket 1 expired with the order, bob has 2";
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 0);
  EXPECT_EQ(sale_.bought(shoes, alice), 2);
  EXPECT_EQ(sale_.violation(), "");
}

TEST_F(DecidePayment, LateMoneyIsOwedBackWhenTheUnitsOrTheLimitAreGone) {
  sale_.list(shoes, 2, limited_terms(1));
  sale_.accepted(1, alice, shoes);
  sale_.paying(1, alice, 1);
  sale_.expired(1);
  const SettlePayment captured{OrderId{1}, AttemptId{1}, PaymentOutcome::captured};
  sale_.accepted(2, alice, shoes);
  EXPECT_TRUE(sale_.leads_to<RefundOwed>(captured)) << "alice has used her limit since";
  sale_.carry_out(CancelOrder{OrderId{2}, alice});
  EXPECT_TRUE(sale_.leads_to<OrderPaid>(captured));
  sale_.accepted(3, bob, shoes);
  sale_.accepted(4, UserId{3}, shoes);
  EXPECT_TRUE(sale_.leads_to<RefundOwed>(captured)) << "sold out since";
  EXPECT_EQ(sale_.carry_out(captured)->payment, PaymentState::refunding);
  EXPECT_TRUE(sale_.changes_nothing(captured)) << "owed once";
  EXPECT_EQ(sale_.settled(1, 1, PaymentOutcome::refunded)->payment, PaymentState::refunded);
}

// ---- Cancelling and expiring ----

TEST_F(Decide, ABuyerCancelsUntilItIsShippedButNeverDuringAPayment) {
  sale_.list(shoes, 3);
  sale_.accepted(1, alice, shoes);
  const CancelOrder asked{OrderId{1}, alice};
  EXPECT_EQ(sale_.refusal(CancelOrder{OrderId{1}, bob}), Code::order_not_found);
  EXPECT_EQ(sale_.refusal(asked), std::nullopt);
  sale_.paying(1, alice, 1);
  EXPECT_EQ(sale_.refusal(asked), Code::order_not_cancellable) << "the provider may be taking the money now";
  sale_.settled(1, 1, PaymentOutcome::captured);
  EXPECT_EQ(sale_.refusal(asked), std::nullopt);
  sale_.moved(1, OrderState::preparing);
  EXPECT_EQ(sale_.refusal(asked), std::nullopt);
  sale_.moved(1, OrderState::shipped);
  EXPECT_EQ(sale_.refusal(asked), Code::order_not_cancellable);
}

TEST_F(Decide, ACancelledOrExpiredOrderIsNotCancelledAgain) {
  sale_.list(shoes, 2);
  sale_.accepted(1, alice, shoes);
  sale_.accepted(2, alice, shoes);
  sale_.carry_out(CancelOrder{OrderId{1}, alice});
  sale_.expired(2);
  for (const std::int64_t order : {1, 2})
    EXPECT_EQ(sale_.refusal(CancelOrder{OrderId{order}, alice}), Code::order_not_cancellable);
}

TEST_F(DecideExpiry, WaitsForPayByTheGraceAndAnOpenAttempt) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  const ExpireOrder asked{OrderId{1}};
  sale_.now = at(999);
  EXPECT_TRUE(sale_.changes_nothing(asked));
  sale_.paying(1, alice, 1);
  sale_.now = at(1'499);
  EXPECT_TRUE(sale_.changes_nothing(asked)) << "an open attempt has its bound";
  sale_.now = at(1'500);
  EXPECT_TRUE(sale_.leads_to<OrderVoided>(asked));
  sale_.settled(1, 1, PaymentOutcome::declined);
  sale_.carry_out(GrantGrace{at(2'000)});
  sale_.now = at(1'999);
  EXPECT_TRUE(sale_.changes_nothing(asked)) << "a downtime is given back";
  sale_.now = at(2'000);
  EXPECT_TRUE(sale_.leads_to<OrderVoided>(asked));
}

TEST_F(DecideExpiry, LeavesOrdersThatAreNoLongerUnpaid) {
  sale_.list(shoes, 2);
  sale_.paid(1, alice, shoes);
  sale_.accepted(2, alice, shoes);
  sale_.carry_out(CancelOrder{OrderId{2}, alice});
  sale_.now = at(1'000'000);
  for (const std::int64_t order : {1, 2, 3})
    EXPECT_TRUE(sale_.changes_nothing(ExpireOrder{OrderId{order}})) << order;
}

// ---- The way to the buyer and back ----

TEST_F(DecideMove, GoesStepByStepAndNeverSkipsOne) {
  constexpr OrderState way[] = {OrderState::paid,      OrderState::preparing,        OrderState::shipped,
                                OrderState::delivered, OrderState::return_requested, OrderState::returned};
  sale_.list(shoes, 1);
  sale_.paid(1, alice, shoes);
  for (std::size_t from = 0; from < std::size(way); ++from) {
    if (from > 0) sale_.moved(1, way[from]);
    for (std::size_t to = 1; to < std::size(way); ++to) {
      const MoveOrder asked{OrderId{1}, UserId{}, way[to], {}};
      if (to == from)
        EXPECT_TRUE(sale_.changes_nothing(asked)) << from;
      else if (to == from + 1)
        EXPECT_EQ(sale_.refusal(asked), std::nullopt) << from;
      else
        EXPECT_EQ(sale_.refusal(asked), Code::order_not_movable) << from << " to " << to;
    }
  }
}

TEST_F(DecideMove, ABuyerReturnsWithinADayOfTheDelivery) {
  sale_.rules.return_window = Millis(1'000);
  sale_.list(shoes, 1);
  sale_.paid(1, alice, shoes);
  for (const auto state : {OrderState::preparing, OrderState::shipped, OrderState::delivered})
    sale_.moved(1, state);
  const Instant delivered = sale_.now;
  const MoveOrder asked{OrderId{1}, alice, OrderState::return_requested, "small"};
  sale_.now = delivered + Millis(999);
  EXPECT_EQ(sale_.refusal(asked), std::nullopt);
  sale_.now = delivered + Millis(1'000);
  EXPECT_EQ(sale_.refusal(asked), Code::order_not_returnable);
  EXPECT_EQ(sale_.refusal(MoveOrder{OrderId{1}, UserId{}, OrderState::return_requested, {}}), std::nullopt)
      << "an operator may still do it";
}

TEST_F(DecideMove, AnOperatorCancelsForAnybody) {
  sale_.list(shoes, 1);
  sale_.paid(1, alice, shoes);
  EXPECT_EQ(sale_.refusal(CancelOrder{OrderId{1}, bob}), Code::order_not_found);
  EXPECT_EQ(sale_.refusal(CancelOrder{OrderId{1}, bob, true}), std::nullopt);
  sale_.moved(1, OrderState::preparing);
  sale_.moved(1, OrderState::shipped);
  EXPECT_EQ(sale_.refusal(CancelOrder{OrderId{1}, bob, true}), Code::order_not_cancellable);
}

TEST_F(DecideMove, ABuyerMovesOnlyTheirOwn) {
  sale_.list(shoes, 1);
  sale_.paid(1, alice, shoes);
  for (const auto state : {OrderState::preparing, OrderState::shipped, OrderState::delivered})
    sale_.moved(1, state);
  EXPECT_EQ(sale_.refusal(MoveOrder{OrderId{1}, bob, OrderState::return_requested, "too small"}),
            Code::order_not_found);
  EXPECT_EQ(sale_.refusal(MoveOrder{OrderId{1}, alice, OrderState::return_requested, "too small"}),
            std::nullopt);
}

// ---- The grace after a pause ----

TEST_F(DecideExpiry, AnAttemptBegunBeforeTheEndOfTheGraceIsWaitedFor) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  sale_.now = at(1'900);
  EXPECT_EQ(sale_.refusal(StartPayment{OrderId{1}, alice}), Code::order_not_payable);
  sale_.carry_out(GrantGrace{at(2'000)});
  EXPECT_EQ(payable_until(sale_.state, *sale_.state.orders.find(OrderId{1})), at(2'000));
  sale_.paying(1, alice, 7);
  for (const std::int64_t millis : {2'000, 2'499}) {
    sale_.now = at(millis);
    EXPECT_TRUE(sale_.changes_nothing(ExpireOrder{OrderId{1}})) << millis;
  }
  EXPECT_EQ(expires_at(sale_.state, *sale_.state.orders.find(OrderId{1}), sale_.rules), at(2'500));
  EXPECT_TRUE(sale_.leads_to<OrderPaid>(SettlePayment{OrderId{1}, AttemptId{7}, PaymentOutcome::captured}));
  sale_.now = at(2'500);
  const Event voided = sale_.event_of(ExpireOrder{OrderId{1}});
  EXPECT_EQ(std::get<OrderVoided>(voided.fact).attempt, AttemptId{7}) << "its outcome is still to come";
}

}  // namespace
}  // namespace market
