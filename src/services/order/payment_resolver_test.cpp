#include "services/order/payment_resolver.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <thread>

#include "tests/support/board_gate.hpp"
#include "tests/support/scripted_provider.hpp"
#include "tests/support/wait.hpp"

namespace market::order {
namespace {

constexpr UserId alice{1};

class PaymentResolverTest : public testing::Test {
 protected:
  explicit PaymentResolverTest(Millis others_wait = Millis(40)) : others_wait_(others_wait) {
    gate_.followers.push_back(&resolver_);
    shoes_ = gate_.decided(Command(ListProduct{ProductTerms{}, ProductTexts{}, 100}))->product();
  }
  OrderId buy() {
    PlaceOrder wanted{alice, Millis(60'000), {}};
    wanted.lines.push_back(WantedLine{shoes_, 1});
    return gate_.decided(Command(std::move(wanted)))->order();
  }
  AttemptId start(OrderId order) {
    const auto started = gate_.decided(Command(StartPayment{order, alice}));
    return std::get<PaymentStarted>(started->event->event.fact).attempt;
  }
  void settle(OrderId order, AttemptId attempt, PaymentOutcome outcome) {
    ASSERT_TRUE(gate_.decided(Command(SettlePayment{order, attempt, outcome}))->event);
  }
  PaymentState payment_of(OrderId order) const { return gate_.orders.at(order).payment; }
  void run() {
    io_.restart();
    io_.run();
  }

  const Millis others_wait_;
  asio::io_context io_{1};
  tests::ShiftedClock clock_;
  tests::BoardGate gate_{clock_};
  tests::ScriptedProvider provider_;
  PaymentResolver resolver_{gate_, provider_, clock_, io_.get_executor(),
                            ResolverLimits{others_wait_, Millis(1), Millis(2), Millis(1'000), 3}};
  ProductId shoes_;
};

TEST_F(PaymentResolverTest, BindsTheKeyOfTheRequestThatBeganTheAttempt) {
  const OrderId order = buy();
  const AttemptId attempt = start(order);
  const RequestKey key{1, 2};
  resolver_.bind(attempt, key, 7);
  resolver_.bind(AttemptId{99}, key, 8);
  provider_.find_answers = {ChargeState::captured};
  run();
  ASSERT_EQ(payment_of(order), PaymentState::paid);
  Command again = StartPayment{order, alice};
  again.key = key;
  again.fingerprint = 7;
  EXPECT_TRUE(gate_.decided(again)->replayed);
  again.fingerprint = 8;
  EXPECT_EQ(gate_.decided(again).error().code, Code::idempotency_mismatch);
}

TEST_F(PaymentResolverTest, SettlesWithoutTheKeyWhenThatIsBoundElsewhere) {
  const OrderId order = buy();
  resolver_.bind(start(order), RequestKey{1, 2}, 7);
  gate_.keys_bound_elsewhere = true;
  provider_.find_answers = {ChargeState::captured};
  io_.run_for(Millis(500));
  EXPECT_EQ(payment_of(order), PaymentState::paid);
}

TEST_F(PaymentResolverTest, AQuestionThatThrowsIsAskedAgain) {
  provider_.finds_that_throw = 5;  // More than may be asked at once.
  provider_.find_answers = {ChargeState::captured};
  const OrderId order = buy();
  start(order);
  run();
  EXPECT_EQ(payment_of(order), PaymentState::paid);
}

TEST_F(PaymentResolverTest, ADeclinedAttemptBindsNoKey) {
  const OrderId order = buy();
  resolver_.bind(start(order), RequestKey{1, 2}, 7);
  provider_.find_answers = {ChargeState::declined};
  run();
  Command again = StartPayment{order, alice};
  again.key = RequestKey{1, 2};
  again.fingerprint = 8;
  const auto begun = gate_.decided(again);
  ASSERT_TRUE(begun) << "the key is free";
  EXPECT_FALSE(begun->replayed);
}

/// Longer than a busy machine may pause the test.
class PatientResolverTest : public PaymentResolverTest {
 protected:
  PatientResolverTest() : PaymentResolverTest(Millis(1'000)) {}
};

TEST_F(PatientResolverTest, AsksOnlyOnceNobodyElseWaitsForTheAnswer) {
  const OrderId order = buy();
  start(order);
  provider_.find_answers = {ChargeState::captured};
  io_.restart();
  io_.run_for(Millis(5));
  EXPECT_TRUE(provider_.asked_for.empty());
  EXPECT_EQ(resolver_.open(), 1u);
  run();
  EXPECT_EQ(provider_.asked_for.size(), 1u);
  EXPECT_EQ(payment_of(order), PaymentState::paid);
  EXPECT_EQ(resolver_.open(), 0u);
}

TEST_F(PaymentResolverTest, ForgetsWhatTheLogSaysIsSettled) {
  const OrderId paid = buy(), declined = buy();
  const AttemptId first = start(paid), second = start(declined);
  settle(paid, first, PaymentOutcome::captured);
  settle(declined, second, PaymentOutcome::declined);
  run();
  EXPECT_TRUE(provider_.asked_for.empty());
  EXPECT_EQ(resolver_.open(), 0u);
}

TEST_F(PaymentResolverTest, GivesBackWhatACancelledOrderHasPaid) {
  const OrderId order = buy();
  const AttemptId attempt = start(order);
  settle(order, attempt, PaymentOutcome::captured);
  ASSERT_TRUE(gate_.decided(Command(CancelOrder{order, alice})));
  provider_.refunds_that_fail = 2;
  run();
  EXPECT_EQ(provider_.refunded, std::vector(3, attempt));
  EXPECT_EQ(payment_of(order), PaymentState::refunded);
}

TEST_F(PaymentResolverTest, AnUnpaidCancelledOrderIsOwedNothing) {
  ASSERT_TRUE(gate_.decided(Command(CancelOrder{buy(), alice})));
  run();
  EXPECT_TRUE(provider_.refunded.empty());
}

TEST_F(PaymentResolverTest, GivesBackWhatAReturnedOrderHasPaid) {
  const OrderId order = buy();
  const AttemptId attempt = start(order);
  settle(order, attempt, PaymentOutcome::captured);
  for (const auto state : {OrderState::preparing, OrderState::shipped, OrderState::delivered,
                           OrderState::return_requested, OrderState::returned})
    ASSERT_TRUE(gate_.decided(Command(MoveOrder{order, UserId{}, state, {}}))->event);
  run();
  EXPECT_EQ(provider_.refunded, std::vector{attempt});
  EXPECT_EQ(payment_of(order), PaymentState::refunded);
}

TEST_F(PaymentResolverTest, ARestartAsksAtOnce) {
  gate_.followers.clear();  // What was logged before the start.
  const OrderId charged = buy(), owed = buy();
  const AttemptId first = start(charged), second = start(owed);
  settle(owed, second, PaymentOutcome::captured);
  ASSERT_TRUE(gate_.decided(Command(CancelOrder{owed, alice})));
  gate_.followers.push_back(&resolver_);
  provider_.find_answers = {ChargeState::captured};
  resolver_.watch({charged, first, false});
  resolver_.watch({charged, first, false});
  resolver_.watch({owed, second, true});
  run();
  EXPECT_EQ(provider_.asked_for, std::vector{first});
  EXPECT_EQ(payment_of(charged), PaymentState::paid);
  EXPECT_EQ(payment_of(owed), PaymentState::refunded);
}

TEST_F(PaymentResolverTest, AStartDoesNotCountTheTimeOfAnAttemptAnew) {
  gate_.followers.clear();
  const OrderId order = buy();
  const AttemptId attempt = start(order);
  gate_.followers.push_back(&resolver_);
  clock_.shift = Millis(2'000);  // Longer than unknown_max, before this start.
  provider_.find_answers = {ChargeState::unknown};
  resolver_.watch({order, attempt, false});
  run();
  EXPECT_EQ(provider_.asked_for.size(), 1u);
  EXPECT_EQ(payment_of(order), PaymentState::declined);
}

TEST_F(PaymentResolverTest, AsksManyAtOnceButNotAll) {
  provider_.find_answers = {ChargeState::captured};
  provider_.find_takes = Millis(5);
  std::vector<OrderId> orders;
  for (int i = 0; i < 10; ++i) start(orders.emplace_back(buy()));
  run();
  EXPECT_EQ(provider_.most_at_once, 3);
  EXPECT_EQ(provider_.asked_for.size(), 10u);
  for (const OrderId order : orders) EXPECT_EQ(payment_of(order), PaymentState::paid);
}

TEST_F(PaymentResolverTest, AProviderThatIsAwayIsAskedAgain) {
  const OrderId order = buy();
  start(order);
  provider_.find_answers = {fail(Code::unavailable, "away"), fail(Code::unavailable, "away"),
                            ChargeState::declined};
  gate_.lost_settlements = 1;
  run();
  EXPECT_EQ(provider_.asked_for.size(), 4u) << "once more for the settlement that was lost";
  EXPECT_EQ(payment_of(order), PaymentState::declined);
}

TEST_F(PaymentResolverTest, StopsWhileQuestionsAreUnderWay) {
  provider_.find_takes = Millis(30);
  for (int i = 0; i < 5; ++i) start(buy());
  auto work = asio::make_work_guard(io_);
  io_.restart();
  std::thread thread([this] { io_.run(); });
  ASSERT_TRUE(tests::wait([this] { return provider_.asking > 0; }));  // Some wait, by their limits.
  EXPECT_TRUE(resolver_.stop());
  EXPECT_EQ(provider_.asking, 0);
  const std::size_t asked = provider_.asked_for.size();
  EXPECT_TRUE(tests::stays_away([&] { return provider_.asked_for.size() != asked; }))
      << "and nothing new is asked";
  work.reset();
  thread.join();
}

}  // namespace
}  // namespace market::order
