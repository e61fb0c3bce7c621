#include "domain/sale/order_counts.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using tests::at;
using tests::cap;
using tests::shoes;
using Amounts = OrderCounts::Amounts;

/// Two lines of shoes, 3 units of 500 in all, and a cap.
Order order_of(std::vector<StateChange> history, PaymentState payment = PaymentState::none) {
  Order order;
  order.lines.push_back(OrderLine{shoes, 1, 2, Money{500, {}}, 0});
  order.lines.push_back(OrderLine{cap, 1, 5, Money{70, {}}, 0});
  order.lines.push_back(OrderLine{shoes, 1, 1, Money{500, {}}, 0});
  order.state = history.back().state;
  order.payment = payment;
  order.history.assign(history.begin(), history.end());
  return order;
}

std::int64_t sum(const OrderCounts& counts, std::int64_t Timeline::Step::*what) {
  std::int64_t found = 0;
  for (const auto& [begin, step] : counts.timeline.steps()) found += step.*what;
  return found;
}

TEST(OrderCounts, CountTheUnitsOfTheProductAlone) {
  OrderCounts counts;
  counts.add(order_of({{OrderState::accepted, at(0)}, {OrderState::paid, at(5'000)}}, PaymentState::paid),
             shoes);
  const auto& paid = counts.by_state[static_cast<std::size_t>(OrderState::paid)];
  EXPECT_EQ(paid.orders, 1);
  EXPECT_EQ(paid.units, 3);
  EXPECT_EQ(paid.amounts, (Amounts{{Currency{}, 1'500}}));
  EXPECT_EQ(counts.refunded, Amounts{});
  EXPECT_EQ(sum(counts, &Timeline::Step::orders), 1);
  EXPECT_EQ(sum(counts, &Timeline::Step::units), 3);
  EXPECT_EQ(sum(counts, &Timeline::Step::paid), 3);
  EXPECT_EQ(sum(counts, &Timeline::Step::given_back), 0);
}

TEST(OrderCounts, AnOrderWithoutTheProductCountsForNothing) {
  OrderCounts counts;
  counts.add(order_of({{OrderState::accepted, at(0)}}), tests::unknown_product);
  for (const auto& count : counts.by_state) EXPECT_EQ(count.orders, 0);
  EXPECT_FALSE(counts.first);
  EXPECT_TRUE(counts.timeline.steps().empty());
}

TEST(OrderCounts, MoneyThatGoesBackStaysNowhere) {
  OrderCounts counts;
  for (const PaymentState payment : {PaymentState::refunding, PaymentState::refunded})
    counts.add(
        order_of({{OrderState::accepted, at(0)}, {OrderState::paid, at(1)}, {OrderState::cancelled, at(2)}},
                 payment),
        shoes);
  const auto& cancelled = counts.by_state[static_cast<std::size_t>(OrderState::cancelled)];
  EXPECT_EQ(cancelled.orders, 2);
  EXPECT_EQ(cancelled.amounts, Amounts{});
  EXPECT_EQ(counts.refunded, (Amounts{{Currency{}, 3'000}}));
}

TEST(OrderCounts, NoCurrencyIsAddedToAnother) {
  const Currency dollars = *Currency::parse("USD");
  OrderCounts counts;
  for (const PaymentState payment : {PaymentState::paid, PaymentState::refunded}) {
    Order order = order_of({{OrderState::accepted, at(0)}, {OrderState::delivered, at(1)}}, payment);
    counts.add(order, shoes);
    for (OrderLine& line : order.lines) line.unit_price = Money{9, dollars};
    counts.add(order, shoes);
  }
  const auto& delivered = counts.by_state[static_cast<std::size_t>(OrderState::delivered)];
  EXPECT_EQ(delivered.units, 12);
  EXPECT_EQ(delivered.amounts, (Amounts{{Currency{}, 1'500}, {dollars, 27}}));
  EXPECT_EQ(counts.refunded, (Amounts{{Currency{}, 1'500}, {dollars, 27}}));
}

TEST(OrderCounts, UnitsComeBackWhenAnOrderEndsNotWhenItGoesOn) {
  OrderCounts counts;
  counts.add(order_of({{OrderState::accepted, at(0)},
                       {OrderState::paid, at(1)},
                       {OrderState::preparing, at(2)},
                       {OrderState::shipped, at(3)},
                       {OrderState::delivered, at(4)},
                       {OrderState::return_requested, at(5)}}),
             shoes);
  EXPECT_EQ(sum(counts, &Timeline::Step::given_back), 0);
  counts.add(order_of({{OrderState::accepted, at(0)}, {OrderState::expired, at(9)}}), shoes);
  EXPECT_EQ(sum(counts, &Timeline::Step::given_back), 3);
}

TEST(OrderCounts, FirstAndLastAreThoseOfTheAcceptances) {
  OrderCounts counts;
  counts.add(order_of({{OrderState::accepted, at(500)}, {OrderState::paid, at(9'000)}}), shoes);
  counts.add(order_of({{OrderState::accepted, at(100)}}), shoes);
  counts.add(order_of({{OrderState::accepted, at(700)}}), shoes);
  EXPECT_EQ(counts.first, at(100));
  EXPECT_EQ(counts.last, at(700));
}

}  // namespace
}  // namespace market
