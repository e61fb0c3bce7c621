// What decide() does with the request itself: the ids it gives, and copies of it.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

class DecideRequest : public testing::Test {
 protected:
  TestSale sale_;
};

// ---- Ids ----

std::int64_t id_of(const Fact& fact) {
  if (const auto* listed = std::get_if<ProductListed>(&fact)) return listed->product.value;
  if (const auto* accepted = std::get_if<OrderAccepted>(&fact)) return accepted->order.value;
  return std::get<PaymentStarted>(fact).attempt.value;
}

TEST_F(DecideRequest, GivesIdsThatNeverCollideWhereverTheClockGoes) {
  std::vector<std::int64_t> given;
  const auto give = [&](const Command& command) {
    const Event event = sale_.event_of(command);
    given.push_back(id_of(event.fact));
    sale_.put(event);
    return given.back();
  };
  const ProductId product{give(ListProduct{event_terms(), {}, 100})};
  EXPECT_EQ(product.value, first_id_of(at(0)));
  for (const std::int64_t millis : {0, 0, 5'000, -3'600'000, -3'600'000, 1, 4'999, 5'001}) {
    sale_.now = at(millis);
    PlaceOrder wanted = place(alice, product);
    wanted.payment_window = Millis(100'000'000);
    const OrderId order{give(wanted)};
    give(StartPayment{order, alice});
    give(ListProduct{event_terms(), {}, 1});
  }
  EXPECT_TRUE(std::is_sorted(given.begin(), given.end()));
  EXPECT_EQ(std::adjacent_find(given.begin(), given.end()), given.end());
  EXPECT_EQ(given.back(), first_id_of(at(5'001)) + 2) << "with the clock again when it is ahead";
  EXPECT_EQ(sale_.violation(), "");
}

TEST_F(DecideRequest, EachAttemptHasAnIdOfItsOwn) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  const AttemptId first{id_of(sale_.event_of(StartPayment{OrderId{1}, alice}).fact)};
  sale_.carry_out(StartPayment{OrderId{1}, alice});
  EXPECT_EQ(sale_.state.orders.attempt_of(OrderId{1}), first);
  sale_.settled(1, first.value, PaymentOutcome::declined);
  const AttemptId second{id_of(sale_.event_of(StartPayment{OrderId{1}, alice}).fact)};
  EXPECT_GT(second, first);
  sale_.carry_out(StartPayment{OrderId{1}, alice});
  EXPECT_TRUE(sale_.changes_nothing(SettlePayment{OrderId{1}, first, PaymentOutcome::captured}))
      << "the first was settled";
  EXPECT_TRUE(sale_.leads_to<OrderPaid>(SettlePayment{OrderId{1}, second, PaymentOutcome::captured}));
}

// ---- Copies of one request ----

Command copy_of(Command command, std::uint32_t number, std::uint64_t request = 5) {
  command.copy = RequestCopy{RequestKey{1, request}, number};
  return command;
}

TEST_F(DecideRequest, ARefusedLaterCopySettlesTheRequest) {
  sale_.list(shoes, 0);
  EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), 1)), Code::sold_out) << "the first has no other yet";
  Command second = copy_of(place(alice, shoes), 2);
  second.key = RequestKey{7, 8};
  second.id = CommandId{1, 2, 3};
  const Event event = sale_.event_of(second);
  const auto& refused = std::get<Refused>(event.fact);
  EXPECT_EQ(refused.request, second.copy.request);
  EXPECT_EQ(refused.code, Code::sold_out);
  EXPECT_EQ(refused.until, at(10'000));
  EXPECT_FALSE(event.key) << "a refusal binds no key";
  EXPECT_EQ(event.command, second.id);
  sale_.put(event);
  sale_.carry_out(AdjustStock{shoes, 5, "restock"});
  for (const std::uint32_t number : {1, 2, 3})
    EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), number)), Code::sold_out) << number;
  EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), 1, 6)), std::nullopt) << "another request";
  EXPECT_EQ(sale_.refusal(place(alice, shoes)), std::nullopt) << "no copy of any";
  sale_.now = at(9'999);
  EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), 1)), Code::sold_out);
  sale_.now = at(10'000);
  EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), 1)), std::nullopt) << "it may be forgotten";
}

TEST_F(DecideRequest, ACopyOfOneThatCameTooEarlyIsToldWhenTheSaleOpens) {
  sale_.list(shoes, 5);
  sale_.state.product(shoes)->terms.sale = Sale{at(60'000), std::nullopt, std::nullopt};
  sale_.put(sale_.event_of(copy_of(place(alice, shoes), 2)));
  const Decision again = sale_.ask(copy_of(place(alice, shoes), 3));
  const auto* error = std::get_if<Error>(&again);
  ASSERT_TRUE(error && error->extras);
  EXPECT_EQ(error->code, Code::sale_not_open);
  EXPECT_EQ(error->extras->opens_at, format_rfc3339(at(60'000)));
}

TEST_F(DecideRequest, ASettledRequestCanBeSettledAgainWhenItWasForgotten) {
  sale_.list(shoes, 0);
  sale_.carry_out(copy_of(place(alice, shoes), 2));
  EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), 3)), Code::sold_out) << "settled by an event already";
  sale_.now = at(10'000);
  sale_.carry_out(copy_of(place(alice, shoes), 4));
  EXPECT_EQ(sale_.state.refused.size(), 1u);
  EXPECT_EQ(sale_.state.refused.begin()->second.until, at(20'000));
}

TEST_F(DecideRequest, CopiesBeyondTheBoundAreNotRefusedForGood) {
  sale_.list(shoes, 0);
  for (std::uint64_t i = 0; i < SaleState::refused_max; ++i)
    sale_.state.refused[RequestKey{2, i}] = RefusedRequest{Code::sold_out, at(5'000)};
  sale_.state.numbers.refused_until = at(5'000);
  EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), 2)), Code::overloaded);
  EXPECT_EQ(sale_.refusal(copy_of(place(alice, shoes), 1)), Code::sold_out) << "a first copy needs no place";
  EXPECT_EQ(sale_.refusal(place(alice, shoes)), Code::sold_out);
}

TEST_F(DecideRequest, ACopyOfAnAcceptedRequestIsItsReplay) {
  sale_.list(shoes, 1);
  Command first = copy_of(place(alice, shoes), 1);
  first.key = RequestKey{7, 8};
  sale_.carry_out(first, 1);
  Command second = copy_of(place(alice, shoes), 2);
  second.key = first.key;
  EXPECT_TRUE(std::holds_alternative<Replayed>(sale_.ask(second))) << "sold out, but not for this request";
}

}  // namespace
}  // namespace market
