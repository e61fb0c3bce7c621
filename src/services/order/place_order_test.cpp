#include "services/order/place_order.hpp"

#include <gtest/gtest.h>

#include "tests/support/board_gate.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::order {
namespace {

using tests::answer_of;

constexpr UserId alice{1}, bob{2};
constexpr RequestKey key{1, 2};

class PlaceOrderTest : public testing::Test {
 protected:
  ProductId list(ProductTerms terms, std::int64_t stock = 5) {
    return gate_.decided(Command(ListProduct{std::move(terms), ProductTexts{}, stock}))->product();
  }
  Command order_of(ProductId product, std::int32_t quantity = 1, UserId user = alice) const {
    PlaceOrder wanted{user, Millis(1'000), {}};
    wanted.lines.push_back(WantedLine{product, quantity});
    return Command(std::move(wanted));
  }
  Command keyed(Command command, std::uint64_t fingerprint = 7) const {
    command.key = key;
    command.fingerprint = fingerprint;
    return command;
  }
  Result<Placed> place(Command command) {
    auto placing = placing_.run(std::move(command));
    at_once_ = !placing.has_value();
    if (!placing) return fail(placing.error());
    return answer_of(io_, std::move(*placing));
  }
  Code refusal(Command command) { return place(std::move(command)).error().code; }

  asio::io_context io_{1};
  tests::MovedClock clock_;
  tests::BoardGate gate_{clock_};
  PlacingOrders placing_{gate_, gate_.board, gate_, clock_};
  bool at_once_ = false;
};

TEST_F(PlaceOrderTest, TheAnswerIsTheOrderOfItsEvent) {
  const ProductId shoes = list({});
  const auto placed = place(order_of(shoes, 2));
  ASSERT_TRUE(placed);
  EXPECT_FALSE(placed->replayed);
  EXPECT_EQ(*placed->order, gate_.orders.at(placed->order->id));
  EXPECT_EQ(placed->order->lines.at(0).quantity, 2);
}

TEST_F(PlaceOrderTest, WhatEverybodySeesIsRefusedWithoutTheGate) {
  const Instant now = clock_.now();
  ProductTerms later, over, hidden, gone;
  later.sale = Sale{now + Millis(1), {}, {}};
  over.sale = Sale{now - Millis(2), now, {}};
  hidden.publish_at = now + Millis(1);
  gone.withdrawn = true;
  const std::pair<ProductId, Code> refused[] = {
      {list(later), Code::sale_not_open},    {list(over), Code::sale_closed},
      {list({}, 0), Code::sold_out},         {list(hidden), Code::product_not_found},
      {list(gone), Code::product_not_found}, {ProductId{1}, Code::product_not_found}};
  gate_.submits = 0;
  for (const auto& [product, code] : refused) {
    EXPECT_EQ(refusal(order_of(product)), code);
    EXPECT_TRUE(at_once_);
    // Early or late, the gate says the same.
    EXPECT_EQ(gate_.decided(order_of(product)).error().code, code);
  }
  EXPECT_EQ(gate_.submits, 0);
  EXPECT_EQ(placing_.run(order_of(refused[0].first)).error().extras->opens_at,
            format_rfc3339(now + Millis(1)));
  clock_.time += Millis(1);
  EXPECT_TRUE(place(order_of(refused[0].first))) << "open now";
  EXPECT_TRUE(place(order_of(refused[3].first))) << "published now";
}

TEST_F(PlaceOrderTest, WhatOnlyTheGateKnowsItDecides) {
  ProductTerms limited;
  limited.sale = Sale{clock_.now(), {}, 1};
  const ProductId shoes = list(limited);
  ASSERT_TRUE(place(order_of(shoes)));
  EXPECT_EQ(refusal(order_of(shoes)), Code::limit_exceeded);
  EXPECT_FALSE(at_once_);
  gate_.gate_failure = Code::unavailable;
  EXPECT_EQ(refusal(order_of(shoes, 1, bob)), Code::unavailable);
}

TEST_F(PlaceOrderTest, AReplayIsTheOrderAsItIsNow) {
  const ProductId shoes = list({}, 1);
  const auto first = place(keyed(order_of(shoes)));
  ASSERT_TRUE(first);
  gate_.board.knows_keys = true;
  ASSERT_TRUE(gate_.decided(Command(CancelOrder{first->order->id, alice})));
  ASSERT_TRUE(place(order_of(shoes, 1, bob))) << "the last unit goes to somebody else";
  const auto again = place(keyed(order_of(shoes)));
  ASSERT_TRUE(again) << "whatever has become of the product";
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->order->id, first->order->id);
  EXPECT_EQ(again->order->state, OrderState::cancelled);
  EXPECT_EQ(refusal(keyed(order_of(shoes), 8)), Code::idempotency_mismatch) << "another body";
}

TEST_F(PlaceOrderTest, AReplayThatCannotBeReadIsNoRefusal) {
  const ProductId shoes = list({});
  ASSERT_TRUE(place(keyed(order_of(shoes))));
  gate_.board.knows_keys = true;
  gate_.reader_failure = Code::unavailable;
  EXPECT_EQ(refusal(keyed(order_of(shoes))), Code::unavailable);
}

TEST_F(PlaceOrderTest, NothingIsSaidWhileTheLogIsReadAgain) {
  const ProductId shoes = list({}, 0);
  gate_.board.recovers = true;
  EXPECT_EQ(refusal(order_of(shoes)), Code::recovering);
  gate_.board.knows_keys = true;
  EXPECT_EQ(refusal(keyed(order_of(shoes))), Code::recovering);
}

}  // namespace
}  // namespace market::order
