#include "services/order/pay_order.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/support/test_sale.hpp"

namespace market::order {
namespace {

using namespace tests;

/// The real engine without a log; answers of settlements can get lost.
class EngineGate final : public SaleGate {
 public:
  Task<Submitted> submit(Command command) override {
    if (std::holds_alternative<SettlePayment>(command) && lost_settlements > 0) {
      --lost_settlements;
      co_return fail(Code::unavailable, "lost");
    }
    Decision decision = sale.ask(command);
    if (auto* error = std::get_if<Error>(&decision)) co_return fail(std::move(*error));
    Submitted submitted;
    if (const auto* event = std::get_if<Event>(&decision)) submitted.order = apply(sale.state, *event);
    if (!submitted.order) submitted.order = sale.state.orders.at(OrderId{1});  // Unchanged.
    co_return submitted;
  }
  TestSale sale;
  int lost_settlements = 0;
};

/// Answers as the test says; what it is asked again for a second time, it answers as the last time.
class ScriptedProvider final : public PaymentProvider {
 public:
  explicit ScriptedProvider(EngineGate& gate) : gate_(gate) {}
  Task<ChargeState> charge(AttemptId attempt, Money amount, std::string token) override {
    const Order& order = *gate_.sale.state.orders.at(OrderId{1});
    logged_before_asked = order.payment == PaymentState::pending && order.attempt == attempt;
    charged.push_back(attempt);
    charged_amount = amount.amount;
    charged_token = std::move(token);
    if (while_charging) while_charging();
    if (charge_takes != Millis(0)) {
      asio::steady_timer timer(co_await asio::this_coro::executor, charge_takes);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return charge_answer;
  }
  Task<ChargeState> find(AttemptId attempt) override {
    asked_for = attempt;
    const auto answer = find_answers.at(std::min(finds++, find_answers.size() - 1));
    co_return answer;
  }
  Task<> refund(AttemptId attempt) override {
    refunded.push_back(attempt);
    if (refunds_that_fail-- > 0) co_return fail(Code::unavailable, "later");
    co_return Result<>();
  }

  Result<ChargeState> charge_answer = ChargeState::captured;
  Millis charge_takes{0};
  std::function<void()> while_charging;
  std::vector<Result<ChargeState>> find_answers{ChargeState::unknown};
  int refunds_that_fail = 0;

  bool logged_before_asked = false;
  std::vector<AttemptId> charged, refunded;
  std::int64_t charged_amount = 0;
  std::string charged_token;
  AttemptId asked_for;
  std::size_t finds = 0;

 private:
  EngineGate& gate_;
};

class PayOrderTest : public testing::Test {
 protected:
  PayOrderTest() {
    gate_.sale.list(shoes, 1, event_terms(500));
    gate_.sale.accepted(1, alice, shoes);
  }
  /// Runs until nothing is open any more, so the resolver too has done what it can.
  Result<Paid> pay(UserId user = alice) {
    io_.restart();
    auto answer = asio::co_spawn(io_, pay_.run(user, OrderId{1}, "tok"), asio::use_future);
    io_.run();
    return answer.get();
  }
  /// The order as the gate has it now.
  const Order& order() const { return *gate_.sale.state.orders.at(OrderId{1}); }

  static constexpr Millis answer_max{30};
  asio::io_context io_{1};
  SystemClock clock_;
  IdSource ids_{clock_, 1};
  EngineGate gate_;
  ScriptedProvider provider_{gate_};
  PaymentResolver resolver_{gate_, provider_, clock_, io_.get_executor(),
                            ResolverLimits{Millis(1), Millis(2), Millis(20)}};
  PayOrder pay_{gate_, provider_, resolver_, ids_, answer_max};
};

TEST_F(PayOrderTest, ChargesTheTotalOnceTheAttemptIsInTheLog) {
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_TRUE(paid->known);
  EXPECT_EQ(paid->order->state, OrderState::paid);
  EXPECT_TRUE(provider_.logged_before_asked) << "after a crash the attempt must be known";
  EXPECT_EQ(provider_.charged, std::vector{paid->order->attempt});
  EXPECT_EQ(provider_.charged_amount, 500);
  EXPECT_EQ(provider_.charged_token, "tok");
  EXPECT_EQ(provider_.finds, 0u) << "nothing is left to find out";
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

TEST_F(PayOrderTest, ATokenTheProviderDoesNotKnowIsTheCallersMistake) {
  provider_.charge_answer = fail(Code::validation, "no such token");
  EXPECT_EQ(pay().error().code, Code::validation);
  EXPECT_EQ(order().payment, PaymentState::declined) << "it can be paid at once with another";
}

TEST_F(PayOrderTest, ALostAnswerIsPendingUntilTheProviderIsAskedAgain) {
  provider_.charge_answer = fail(Code::unavailable, "lost");
  provider_.find_answers = {fail(Code::unavailable, "down"), ChargeState::unknown, ChargeState::captured};
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_FALSE(paid->known);
  EXPECT_EQ(paid->order->payment, PaymentState::pending);
  EXPECT_EQ(order().state, OrderState::paid) << "found out behind the caller";
  EXPECT_EQ(provider_.asked_for, provider_.charged[0]);
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
  EXPECT_GT(provider_.finds, 2u) << "but not before unknown_max";
}

TEST_F(PayOrderTest, ASlowProviderDoesNotKeepTheCallerWaiting) {
  provider_.charge_takes = answer_max * 4;
  provider_.find_answers = {ChargeState::captured};
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_FALSE(paid->known);
  EXPECT_EQ(order().state, OrderState::paid);
  EXPECT_EQ(order().history.size(), 2u) << "the late answer itself changes nothing";
}

TEST_F(PayOrderTest, ASecondPaymentAtTheSameTimeAsksNobodyForMoney) {
  gate_.sale.paying(1, alice, 77);
  EXPECT_EQ(pay().error().code, Code::order_not_payable);
  gate_.sale.settled(1, 77, PaymentOutcome::captured);
  EXPECT_EQ(pay().error().code, Code::order_not_payable) << "paid already";
  EXPECT_TRUE(provider_.charged.empty());
}

TEST_F(PayOrderTest, AnotherUsersOrderDoesNotExist) {
  EXPECT_EQ(pay(bob).error().code, Code::order_not_found);
  EXPECT_TRUE(provider_.charged.empty());
}

TEST_F(PayOrderTest, MoneyForAnOrderThatHasExpiredGoesBackUntilTheProviderHasIt) {
  provider_.while_charging = [this] {
    gate_.sale.expired(1, Millis(500));
    gate_.sale.accepted(2, bob, shoes);  // The last unit is gone.
  };
  provider_.refunds_that_fail = 2;
  const auto paid = pay();
  ASSERT_TRUE(paid);
  EXPECT_EQ(paid->order->state, OrderState::expired);
  EXPECT_EQ(paid->order->payment, PaymentState::refunding);
  EXPECT_EQ(order().payment, PaymentState::refunded);
  EXPECT_EQ(provider_.refunded, std::vector(3, provider_.charged[0]));
  EXPECT_EQ(first_violation(gate_.sale.state), "");
}

TEST_F(PayOrderTest, MoneyFoundLateForAnOrderThatHasExpiredGoesBackToo) {
  provider_.charge_answer = fail(Code::unavailable, "lost");
  provider_.while_charging = [this] {
    gate_.sale.expired(1, Millis(500));
    gate_.sale.accepted(2, bob, shoes);
  };
  provider_.find_answers = {ChargeState::unknown, ChargeState::captured};
  EXPECT_FALSE(pay()->known);
  EXPECT_EQ(order().payment, PaymentState::refunded);
  EXPECT_EQ(provider_.refunded, provider_.charged);
}

TEST_F(PayOrderTest, LateMoneyKeepsTheOrderWhileUnitsAreLeft) {
  provider_.while_charging = [this] { gate_.sale.expired(1, Millis(500)); };
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

}  // namespace
}  // namespace market::order
