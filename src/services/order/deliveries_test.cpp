#include "services/order/deliveries.hpp"

#include <gtest/gtest.h>

#include "tests/support/board_gate.hpp"
#include "tests/support/test_accounts.hpp"
#include "tests/support/test_search.hpp"

namespace market::order {
namespace {

constexpr UserId alice{1};
constexpr Millis day{1'000};

class DeliveriesTest : public testing::Test {
 protected:
  DeliveriesTest() {
    gate_.rules.return_window = day;
    shoes_ = gate_.decided(Command(ListProduct{ProductTerms{}, ProductTexts{}, 1'000}))->product();
  }
  OrderId paid() {
    PlaceOrder wanted{alice, Millis(60'000), {}};
    wanted.lines.push_back(WantedLine{shoes_, 1});
    const OrderId order = gate_.decided(Command(std::move(wanted)))->order();
    const auto started = gate_.decided(Command(StartPayment{order, alice}));
    const AttemptId attempt = std::get<PaymentStarted>(started->event->event.fact).attempt;
    EXPECT_TRUE(gate_.decided(Command(SettlePayment{order, attempt, PaymentOutcome::captured}))->event);
    return order;
  }
  int look() {
    io_.restart();
    auto taken = asio::co_spawn(io_, deliveries_.look(), asio::use_future);
    io_.run();
    return taken.get();
  }
  OrderState state_of(OrderId order) const { return gate_.orders.at(order).state; }
  void pass(Millis time) { clock_.time += time; }
  bool ask_to_return(OrderId order) {
    return gate_.decided(Command(MoveOrder{order, alice, OrderState::return_requested, "too small"}))
        .has_value();
  }

  asio::io_context io_{1};
  tests::MovedClock clock_;
  tests::BoardGate gate_{clock_};
  tests::TestSearch search_{gate_.orders};
  Deliveries deliveries_{gate_, search_, clock_, io_.get_executor(), day};
  ProductId shoes_;
};

TEST_F(DeliveriesTest, MovesAnOrderOnDayByDay) {
  const OrderId order = paid();
  const std::pair<Millis, OrderState> steps[] = {
      {day / 2, OrderState::preparing}, {day / 2, OrderState::shipped}, {day, OrderState::delivered}};
  for (const auto& [after, state] : steps) {
    const OrderState before = state_of(order);
    pass(after - Millis(1));
    EXPECT_EQ(look(), 0) << "a moment too early";
    EXPECT_EQ(state_of(order), before);
    pass(Millis(1));
    EXPECT_EQ(look(), 1);
    EXPECT_EQ(state_of(order), state);
  }
  pass(day * 10);
  EXPECT_EQ(look(), 0) << "nothing follows by itself";
}

TEST_F(DeliveriesTest, UnitsAreBackADayAfterTheReturnWasAskedFor) {
  const OrderId order = paid();
  for (int i = 0; i < 4; ++i) {
    pass(day);
    look();
  }
  ASSERT_EQ(state_of(order), OrderState::delivered);
  EXPECT_FALSE(ask_to_return(order)) << "later than a day after delivery";
  const OrderId other = paid();
  for (const Millis after : {day / 2, day / 2, day}) {
    pass(after);
    look();
  }
  pass(day - Millis(1));
  ASSERT_TRUE(ask_to_return(other)) << "just in time";
  EXPECT_EQ(gate_.state.product(shoes_)->stock.remaining, 998);
  pass(day - Millis(1));
  EXPECT_EQ(look(), 0);
  pass(Millis(1));
  EXPECT_EQ(look(), 1);
  EXPECT_EQ(state_of(other), OrderState::returned);
  EXPECT_EQ(gate_.orders.at(other).payment, PaymentState::refunding);
  EXPECT_EQ(gate_.state.product(shoes_)->stock.remaining, 999);
  EXPECT_EQ(look(), 0) << "units come back once";
}

TEST_F(DeliveriesTest, TakesMoreThanAPage) {
  std::vector<OrderId> orders;
  for (int i = 0; i < Deliveries::page_orders * 2 + 7; ++i) orders.push_back(paid());
  pass(day / 2);
  EXPECT_EQ(look(), static_cast<int>(orders.size()));
  for (const OrderId order : orders) EXPECT_EQ(state_of(order), OrderState::preparing);
}

TEST_F(DeliveriesTest, WhoeverWasFasterWins) {
  const OrderId order = paid();
  pass(day / 2);
  gate_.before_decide = [&] {
    gate_.before_decide = {};
    EXPECT_TRUE(gate_.decided(Command(CancelOrder{order, alice}))->event);
  };
  EXPECT_EQ(look(), 0);
  EXPECT_EQ(state_of(order), OrderState::cancelled);
}

TEST_F(DeliveriesTest, TriesAgainWhenTheGateOrTheRecordsAreAway) {
  const OrderId order = paid();
  pass(day / 2);
  gate_.gate_failure = Code::recovering;
  EXPECT_EQ(look(), 0);
  gate_.gate_failure.reset();
  search_.failure = Code::unavailable;
  EXPECT_EQ(look(), 0);
  search_.failure.reset();
  EXPECT_EQ(look(), 1);
  EXPECT_EQ(state_of(order), OrderState::preparing);
}

TEST_F(DeliveriesTest, ALookEndsThoughAMoveThrows) {
  const OrderId order = paid();
  pass(day / 2);
  gate_.before_decide = [&] {
    gate_.before_decide = {};
    throw std::runtime_error("asked for");
  };
  EXPECT_EQ(look(), 0);
  EXPECT_EQ(look(), 1);
  EXPECT_EQ(state_of(order), OrderState::preparing);
}

TEST_F(DeliveriesTest, AnOldRecordOfAnOrderMovesNothingTwice) {
  const OrderId order = paid();
  pass(day / 2);
  search_.frozen = gate_.orders;
  EXPECT_EQ(look(), 1);
  EXPECT_EQ(look(), 0) << "the records still say paid";
  EXPECT_EQ(gate_.orders.at(order).history.size(), 3u);
}

}  // namespace
}  // namespace market::order
