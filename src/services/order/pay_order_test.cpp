#include "services/order/pay_order.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "services/order/payment_resolver.hpp"
#include "tests/support/board_gate.hpp"
#include "tests/support/scripted_provider.hpp"

namespace market::order {
namespace {

using tests::answer_of;

constexpr UserId alice{1}, bob{2};

class PayOrderTest : public testing::Test {
 protected:
  PayOrderTest() {
    gate_.followers.push_back(&resolver_);
    ProductTerms terms;
    terms.price.amount = 500;
    shoes_ = gate_.decided(Command(ListProduct{terms, ProductTexts{}, 1}))->product();
    order_ = buy(alice);
  }
  OrderId buy(UserId user) {
    PlaceOrder wanted{user, Millis(60'000), {}};
    wanted.lines.push_back(WantedLine{shoes_, 1});
    return gate_.decided(Command(std::move(wanted)))->order();
  }
  void expire() {
    clock_.shift += Millis(120'000);
    ASSERT_TRUE(gate_.decided(Command(ExpireOrder{order_}))->event);
  }
  /// Until nothing is open any more, so the resolver too has done what it can.
  Result<Paid> pay(UserId user = alice, RequestKey key = {}, std::uint64_t fingerprint = 0,
                   std::string token = "tok") {
    Command command = StartPayment{order_, user};
    command.key = key;
    command.fingerprint = fingerprint;
    return answer_of(io_, pay_.run(std::move(command), std::move(token)));
  }
  /// The order as the log has it now.
  const Order& order() const { return gate_.orders.at(order_); }

  static constexpr Millis answer_max{30};
  asio::io_context io_{1};
  tests::ShiftedClock clock_;
  tests::BoardGate gate_{clock_};
  tests::ScriptedProvider provider_;
  PaymentResolver resolver_{gate_, provider_, clock_, io_.get_executor(),
                            ResolverLimits{answer_max, Millis(1), Millis(2), Millis(500), 4}};
  PayOrder pay_{gate_, gate_, provider_, answer_max};
  ProductId shoes_;
  OrderId order_;
};

TEST_F(PayOrderTest, ChargesTheTotalOnceTheAttemptIsInTheLog) {
  bool logged = false;
  provider_.while_charging = [&](AttemptId attempt) {
    logged = order().payment == PaymentState::pending && order().attempt == attempt;
  };
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_TRUE(paid->known);
  EXPECT_EQ(paid->order->state, OrderState::paid);
  EXPECT_TRUE(logged) << "after a crash the attempt must be known";
  EXPECT_EQ(provider_.charged, std::vector{paid->order->attempt});
  EXPECT_EQ(provider_.charged_amount, 500);
  EXPECT_EQ(provider_.charged_token, "tok");
  EXPECT_TRUE(provider_.asked_for.empty()) << "nothing is left to find out";
  EXPECT_EQ(resolver_.open(), 0u);
}

/// Another instance could not reach the provider, called the attempt declined, and the next one paid.
TEST_F(PayOrderTest, MoneyOfAnAttemptThatIsOverGoesBack) {
  AttemptId first;
  provider_.while_charging = [&](AttemptId attempt) {
    first = attempt;
    ASSERT_TRUE(gate_.decided(Command(SettlePayment{order_, attempt, PaymentOutcome::declined}))->event);
    const auto next = gate_.decided(Command(StartPayment{order_, alice}));
    const AttemptId second = std::get<PaymentStarted>(next->event->event.fact).attempt;
    ASSERT_TRUE(gate_.decided(Command(SettlePayment{order_, second, PaymentOutcome::captured}))->event);
  };
  PayOrder paying(gate_, gate_, provider_, answer_max, &resolver_);
  const auto paid = answer_of(io_, paying.run(Command(StartPayment{order_, alice}), "tok"));
  ASSERT_TRUE(paid);
  EXPECT_EQ(paid->order->state, OrderState::paid);
  EXPECT_EQ(provider_.refunded, std::vector{first});
  EXPECT_EQ(order().payment, PaymentState::paid) << "by the other attempt";
  EXPECT_EQ(resolver_.open(), 0u);
}

TEST_F(PayOrderTest, PayingAgainIsAnsweredWithThePaidOrder) {
  ASSERT_TRUE(pay());
  const auto again = pay();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->known);
  EXPECT_EQ(again->order->state, OrderState::paid);
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayOrderTest, AnotherTokenPaysNoPaidOrder) {
  ASSERT_TRUE(pay());
  EXPECT_EQ(pay(alice, {}, 0, "other").error().code, Code::order_not_payable);
  provider_.compare_fails = true;
  EXPECT_TRUE(pay(alice, {}, 0, "tok")) << "it is paid, whatever the provider can say now";
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayOrderTest, AReplayIsTheOrderAsItIsNow) {
  const RequestKey key{1, 2};
  ASSERT_TRUE(pay(alice, key, 7));
  const auto again = pay(alice, key, 7);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->known);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->order->state, OrderState::paid);
  EXPECT_EQ(provider_.charged.size(), 1u);
  EXPECT_EQ(pay(alice, key, 8).error().code, Code::idempotency_mismatch);
}

TEST_F(PayOrderTest, AnAttemptWhoseOutcomeIsNotKnownYetIsAnsweredAsItIs) {
  gate_.followers.clear();  // Nobody finds it out.
  provider_.charge_takes = answer_max * 4;
  EXPECT_FALSE(pay()->known);
  const auto again = pay();
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->known);
  EXPECT_EQ(again->order->payment, PaymentState::pending);
  EXPECT_EQ(pay(alice, {}, 0, "other").error().code, Code::order_not_payable);
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayOrderTest, TheSameRequestAtTheSameTimeWaitsForTheFirst) {
  const RequestKey key{1, 2};
  provider_.charge_takes = answer_max / 3;
  std::vector<std::optional<Result<Paid>>> answers(60);
  const auto ask = [&](std::size_t i, std::string token) {
    Command command = StartPayment{order_, alice};
    command.key = key;
    command.fingerprint = 7;
    asio::co_spawn(
        io_, pay_.run(std::move(command), std::move(token)),
        [&answers, i](std::exception_ptr, Result<Paid> answer) { answers[i] = std::move(answer); });
  };
  for (std::size_t i = 0; i < answers.size(); ++i) ask(i, i == 7 ? "other" : "tok");
  io_.run();
  io_.restart();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(answers[i]) << i;
    if (i == 7) {
      EXPECT_EQ(answers[i]->error().code, Code::order_not_payable);
      continue;
    }
    ASSERT_TRUE(*answers[i]) << i;
    EXPECT_TRUE((*answers[i])->known) << i;
    EXPECT_EQ((*answers[i])->order->state, OrderState::paid);
    EXPECT_EQ((*answers[i])->replayed, i != 0);
  }
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayOrderTest, ADeclinedPaymentBindsNoKey) {
  const RequestKey key{1, 2};
  provider_.charge_answer = ChargeState::declined;
  EXPECT_EQ(pay(alice, key, 7).error().code, Code::payment_declined);
  EXPECT_EQ(pay(alice, key, 7).error().code, Code::payment_declined);
  provider_.charge_answer = ChargeState::captured;
  EXPECT_EQ(pay(alice, key, 8, "other")->order->state, OrderState::paid) << "another card, the same key";
  EXPECT_EQ(provider_.charged.size(), 3u);
  EXPECT_TRUE(pay(alice, key, 8, "other")->replayed);
  EXPECT_EQ(pay(alice, key, 7).error().code, Code::idempotency_mismatch);
  EXPECT_EQ(provider_.charged.size(), 3u);
}

TEST_F(PayOrderTest, MoneyIsSettledAlsoWhenItsKeyWasBoundMeanwhile) {
  const RequestKey key{1, 2};
  provider_.while_charging = [&](AttemptId) {
    Command other = ListProduct{ProductTerms{}, ProductTexts{}, 1};
    other.key = key;
    other.fingerprint = 3;
    ASSERT_TRUE(gate_.decided(other));
  };
  EXPECT_EQ(pay(alice, key, 7)->order->state, OrderState::paid);
  EXPECT_EQ(pay(alice, key, 7).error().code, Code::idempotency_mismatch) << "it stays bound to what it was";
}

TEST_F(PayOrderTest, ADeclinedCardLeavesTheOrderPayableWithANewAttempt) {
  provider_.charge_answer = ChargeState::declined;
  EXPECT_EQ(pay().error().code, Code::payment_declined);
  EXPECT_EQ(order().state, OrderState::accepted);
  EXPECT_EQ(order().payment, PaymentState::declined);
  provider_.charge_answer = ChargeState::captured;
  ASSERT_TRUE(pay());
  EXPECT_EQ(order().state, OrderState::paid);
  ASSERT_EQ(provider_.charged.size(), 2u);
  EXPECT_NE(provider_.charged[0], provider_.charged[1]) << "or the provider would repeat its refusal";
}

TEST_F(PayOrderTest, WhatTheProviderDoesNotTakeIsTheCallersMistake) {
  for (const Code code : {Code::validation, Code::order_not_payable}) {
    provider_.charge_answer = fail(code, "no such token, or currency");
    EXPECT_EQ(pay().error().code, code);
    EXPECT_EQ(order().payment, PaymentState::none) << "it can be paid at once with another";
  }
  EXPECT_TRUE(provider_.asked_for.empty()) << "there is nothing to find out";
}

TEST_F(PayOrderTest, WhatIsRefusedForCertainLeavesNothingInTheLog) {
  provider_.accepts_answer = fail(Code::validation, "no such token");
  const Place before = order().place;
  EXPECT_EQ(pay().error().code, Code::validation);
  EXPECT_EQ(order().place, before);
  EXPECT_TRUE(provider_.charged.empty());
}

TEST_F(PayOrderTest, AProviderThatWasNotReachedLeavesTheOrderAsItWas) {
  provider_.charge_answer = ChargeState::not_charged;
  EXPECT_EQ(pay().error().code, Code::overloaded);
  EXPECT_EQ(order().payment, PaymentState::none) << "no card was declined";
  EXPECT_TRUE(provider_.asked_for.empty()) << "there is nothing to find out";
  provider_.charge_answer = ChargeState::declined;
  EXPECT_EQ(pay().error().code, Code::payment_declined);
  provider_.charge_answer = ChargeState::not_charged;
  EXPECT_EQ(pay().error().code, Code::overloaded);
  EXPECT_EQ(order().payment, PaymentState::declined);
  provider_.charge_answer = ChargeState::captured;
  EXPECT_TRUE(pay());
}

/// It could never be found out: the provider knows nothing of it.
TEST_F(PayOrderTest, AChargeThatLateTurnsOutNotToBeMadeFreesTheOrder) {
  provider_.charge_answer = ChargeState::not_charged;
  provider_.charge_takes = answer_max * 2;
  provider_.find_answers = {fail(Code::unavailable, "away")};
  EXPECT_FALSE(pay()->known);
  EXPECT_EQ(order().payment, PaymentState::none);
}

TEST_F(PayOrderTest, ADeclineAfterPayBySaysOfNoFurtherTry) {
  provider_.charge_answer = ChargeState::declined;
  EXPECT_NE(pay().error().detail.find("until payBy"), std::string::npos);
  provider_.while_charging = [this](AttemptId) { clock_.shift += Millis(61'000); };
  EXPECT_EQ(pay().error().detail, "the card was declined");
}

TEST_F(PayOrderTest, ALostAnswerIsPendingUntilTheProviderIsAskedAgain) {
  provider_.charge_answer = fail(Code::unavailable, "lost");
  provider_.find_answers = {fail(Code::unavailable, "down"), ChargeState::unknown, ChargeState::captured};
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_FALSE(paid->known);
  EXPECT_EQ(paid->order->payment, PaymentState::pending);
  EXPECT_EQ(order().state, OrderState::paid) << "found out behind the caller";
  EXPECT_EQ(provider_.asked_for.at(0), provider_.charged[0]);
  EXPECT_EQ(provider_.charged.size(), 1u) << "the money is asked for once";
}

TEST_F(PayOrderTest, ALostAnswerMayTurnOutToBeARefusal) {
  provider_.charge_answer = fail(Code::unavailable, "lost");
  provider_.find_answers = {ChargeState::declined};
  EXPECT_FALSE(pay()->known);
  EXPECT_EQ(order().payment, PaymentState::declined);
  EXPECT_EQ(order().state, OrderState::accepted);
}

TEST_F(PayOrderTest, AChargeTheProviderNeverHeardOfIsGivenUpInTheEnd) {
  provider_.charge_answer = ChargeState::unknown;
  EXPECT_FALSE(pay()->known);
  EXPECT_EQ(order().payment, PaymentState::declined);
  EXPECT_GT(provider_.asked_for.size(), 2u) << "but not before unknown_max";
}

TEST_F(PayOrderTest, ASlowProviderDoesNotKeepTheCallerWaiting) {
  provider_.charge_takes = answer_max * 4;
  provider_.find_answers = {ChargeState::captured};
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_FALSE(paid->known);
  EXPECT_EQ(order().state, OrderState::paid);
  EXPECT_EQ(order().history.size(), 2u) << "the late answer itself changes nothing";
  EXPECT_TRUE(pay_.wait(Millis(0)));
}

TEST_F(PayOrderTest, ASecondPaymentAtTheSameTimeAsksNobodyForMoney) {
  ASSERT_TRUE(gate_.decided(Command(StartPayment{order_, alice})));
  provider_.find_answers = {ChargeState::declined};
  Command command = StartPayment{order_, alice};
  EXPECT_EQ(gate_.decided(command).error().code, Code::order_not_payable);
  gate_.followers.clear();
  provider_.compare_fails = true;  // Whether the first has asked is not known.
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_FALSE(paid->known);
  EXPECT_TRUE(provider_.charged.empty());
}

TEST_F(PayOrderTest, AnAttemptWhoseProcessDiedBeforeItAskedForMoneyIsChargedByWhoeverRepeats) {
  const RequestKey key{1, 2};
  const auto begun = gate_.decided(Command(StartPayment{order_, alice}));
  ASSERT_TRUE(begun);  // Then it was killed.
  const auto paid = pay(alice, key, 7);
  ASSERT_TRUE(paid);
  EXPECT_TRUE(paid->known);
  EXPECT_EQ(order().state, OrderState::paid);
  EXPECT_EQ(provider_.charged, std::vector{order().attempt})
      << "under the same attempt: once at the provider";
  EXPECT_TRUE(pay(alice, key, 7)->replayed) << "the key is bound to what it paid";
}

TEST_F(PayOrderTest, AnAttemptWhoseProcessDiedIsNotChargedForAnOrderThatIsOver) {
  gate_.followers.clear();  // It is open as long as nobody finds out about it.
  ASSERT_TRUE(gate_.decided(Command(StartPayment{order_, alice})));
  expire();
  ASSERT_EQ(order().payment, PaymentState::pending);
  EXPECT_EQ(pay().error().code, Code::order_not_payable);
  EXPECT_TRUE(provider_.charged.empty());
}

TEST_F(PayOrderTest, AnAttemptOfAnotherInstanceIsNotCalledDeclinedByAChargeThatWasNotMade) {
  gate_.followers.clear();
  const auto begun = gate_.decided(Command(StartPayment{order_, alice}));
  ASSERT_TRUE(begun);  // It is about to ask for money: slowly.
  const Result<ChargeState> none[] = {fail(Code::validation, "no such token"), ChargeState::not_charged};
  for (const auto& answer : none) {
    provider_.charged.clear();
    provider_.charge_answer = answer;
    EXPECT_FALSE(pay(alice, {}, 0, "nonsense"));
    EXPECT_EQ(order().payment, PaymentState::pending) << "another attempt would be charged beside it";
  }
}

TEST_F(PayOrderTest, AnotherUsersOrderDoesNotExist) {
  EXPECT_EQ(pay(bob).error().code, Code::order_not_found);
  EXPECT_TRUE(provider_.charged.empty());
}

TEST_F(PayOrderTest, AnOrderThatCannotBeReadIsNotCharged) {
  gate_.reader_failure = Code::unavailable;
  EXPECT_EQ(pay().error().code, Code::unavailable);
  EXPECT_EQ(order().payment, PaymentState::none) << "no attempt is left open";
  gate_.reader_failure.reset();
  gate_.gate_failure = Code::overloaded;
  EXPECT_EQ(pay().error().code, Code::overloaded);
  EXPECT_TRUE(provider_.charged.empty());
}

TEST_F(PayOrderTest, MoneyForAnOrderThatHasExpiredGoesBackUntilTheProviderHasIt) {
  provider_.while_charging = [this](AttemptId) {
    expire();
    buy(bob);  // The last unit is gone.
  };
  provider_.refunds_that_fail = 2;
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_EQ(paid->order->state, OrderState::expired);
  EXPECT_EQ(paid->order->payment, PaymentState::refunding);
  EXPECT_EQ(order().payment, PaymentState::refunded);
  EXPECT_EQ(provider_.refunded, std::vector(3, provider_.charged[0]));
}

TEST_F(PayOrderTest, LateMoneyKeepsTheOrderWhileUnitsAreLeft) {
  provider_.while_charging = [this](AttemptId) { expire(); };
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_EQ(paid->order->state, OrderState::paid);
  EXPECT_TRUE(provider_.refunded.empty());
}

TEST_F(PayOrderTest, ASettlementThatTheLogDidNotConfirmIsRepeated) {
  gate_.lost_settlements = 2;
  provider_.find_answers = {ChargeState::captured};
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_FALSE(paid->known) << "the money has moved; the log may not know";
  EXPECT_EQ(order().state, OrderState::paid);
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayOrderTest, AnOrderIsNoPlaceToTryManyCards) {
  provider_.charge_answer = ChargeState::not_charged;  // A provider that is away tries no card.
  for (int i = 0; i < PayOrder::declines_max; ++i) EXPECT_EQ(pay().error().code, Code::overloaded);
  for (int i = 0; i < PayOrder::declines_max; ++i) {
    const Result<ChargeState> bad_token = fail(Code::validation, "no such token");
    provider_.charge_answer = i % 2 == 0 ? ChargeState::declined : bad_token;
    EXPECT_FALSE(pay());
  }
  const auto asked = provider_.charged.size();
  provider_.charge_answer = ChargeState::captured;
  EXPECT_EQ(pay().error().code, Code::order_not_payable);
  EXPECT_EQ(provider_.charged.size(), asked) << "nobody is asked for money";
  EXPECT_TRUE(gate_.decided(Command(CancelOrder{order_, alice}))) << "and it can be cancelled";
  order_ = buy(alice);
  EXPECT_TRUE(pay()) << "another order";
}

}  // namespace
}  // namespace market::order
