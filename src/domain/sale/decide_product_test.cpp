#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

class DecideProduct : public testing::Test {
 protected:
  TestSale sale_;
};

TEST_F(DecideProduct, RefusesTermsThatMakeNoSense) {
  ProductTerms dear = event_terms(Money::amount_max + 1), negative = event_terms(-1);
  ProductTerms backwards = limited_terms(1), no_limit = limited_terms(0);
  backwards.sale->closes_at = backwards.sale->opens_at;
  sale_.list(cap, 1);
  for (const auto& terms : {dear, negative, backwards, no_limit}) {
    EXPECT_EQ(sale_.refusal(ListProduct{terms, {}, 1}), Code::validation);
    EXPECT_EQ(sale_.refusal(sale_.change_of(cap, terms)), Code::validation);
  }
  for (const std::int64_t stock : {std::int64_t{-1}, ProductStock::stock_max + 1})
    EXPECT_EQ(sale_.refusal(ListProduct{event_terms(), {}, stock}), Code::validation);
}

TEST_F(DecideProduct, KeepsTheSeller) {
  sale_.list(shoes, 1);
  ProductTerms other_seller = event_terms();
  other_seller.seller = alice;
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, other_seller)), Code::validation);
  EXPECT_EQ(sale_.refusal(sale_.change_of(unknown_product, event_terms())), Code::product_not_found);
}

TEST_F(DecideProduct, TicketsGoOnWhereTheyWereWhenTheKindChangesAndComesBack) {
  sale_.list(shoes, 5);
  EXPECT_EQ(sale_.accepted(1, alice, shoes, 1)->lines[0].ticket, 1);
  ProductTerms regular = event_terms();
  regular.kind = ProductKind::regular;
  sale_.carry_out(sale_.change_of(shoes, regular));
  EXPECT_EQ(sale_.accepted(2, alice, shoes, 1)->lines[0].ticket, 0);
  sale_.carry_out(sale_.change_of(shoes, event_terms()));
  EXPECT_EQ(sale_.accepted(3, alice, shoes, 1)->lines[0].ticket, 2);
}

TEST_F(DecideProduct, TakesAwayOnlyUnitsThatNobodyHas) {
  sale_.list(shoes, 5);
  sale_.accepted(1, alice, shoes, 2);
  EXPECT_EQ(sale_.refusal(AdjustStock{shoes, -4, "lost"}), Code::insufficient_stock);
  EXPECT_EQ(sale_.refusal(AdjustStock{shoes, -3, "lost"}), std::nullopt);
  EXPECT_TRUE(sale_.changes_nothing(AdjustStock{shoes, 0, "nothing"}));
  EXPECT_EQ(sale_.refusal(AdjustStock{unknown_product, 1, "x"}), Code::product_not_found);
}

TEST_F(DecideProduct, StockNeverLeavesItsRange) {
  sale_.list(shoes, 5);
  EXPECT_EQ(sale_.refusal(AdjustStock{shoes, ProductStock::stock_max - 5, "x"}), std::nullopt);
  for (const std::int64_t delta : {ProductStock::stock_max - 4, INT64_MAX, INT64_MIN})
    EXPECT_EQ(sale_.refusal(AdjustStock{shoes, delta, "x"}), Code::validation) << delta;
}

TEST_F(DecideProduct, TheCurrencyStaysOnceAUnitWasSold) {
  sale_.list(shoes, 2);
  ChangeProduct dollars = sale_.change_of(shoes, event_terms(700));
  dollars.terms.price.currency = *Currency::parse("USD");
  EXPECT_EQ(sale_.refusal(dollars), std::nullopt) << "nobody has bought yet";
  sale_.accepted(5, UserId{1}, shoes);
  EXPECT_EQ(sale_.refusal(dollars), Code::validation);
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, event_terms(900))), std::nullopt) << "the amount may change";
}

/// Without tickets, and when the unit has come back: its buyer's order says what he paid.
TEST_F(DecideProduct, TheCurrencyStaysOfWhatHasNoTicketsToo) {
  ProductTerms regular = event_terms(700);
  regular.kind = ProductKind::regular;
  sale_.list(shoes, 2, regular);
  ProductTerms in_dollars = regular;
  in_dollars.price.currency = *Currency::parse("USD");
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, in_dollars)), std::nullopt);
  sale_.accepted(5, UserId{1}, shoes);
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, in_dollars)), Code::validation);
  sale_.expired(5);
  ASSERT_EQ(sale_.stock_of(shoes).remaining, 2);
  in_dollars.kind = ProductKind::event;
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, in_dollars)), Code::validation);
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, event_terms(900))), std::nullopt);
}

TEST_F(DecideProduct, AChangeIsBasedOnTheVersionThatIsThere) {
  sale_.list(shoes, 1);
  ChangeProduct seen = sale_.change_of(shoes, event_terms(700));
  EXPECT_EQ(seen.based_on, 1);
  const Event event = sale_.event_of(seen);
  EXPECT_EQ(std::get<ProductChanged>(event.fact).version, 2);
  sale_.put(event);
  EXPECT_EQ(sale_.state.product(shoes)->version, 2);
  for (const std::int64_t version : {0, 1, 3, -1}) {
    seen.based_on = version;
    EXPECT_EQ(sale_.refusal(seen), Code::precondition_failed) << version;
  }
  seen.based_on = 2;
  EXPECT_EQ(sale_.refusal(seen), std::nullopt) << "the same terms again are a version of their own";
  sale_.carry_out(AdjustStock{shoes, 1, "more"});
  EXPECT_EQ(sale_.refusal(seen), std::nullopt) << "stock is no part of the version";
}

TEST_F(DecideProduct, AWithdrawnProductStaysWithdrawn) {
  sale_.list(shoes, 1);
  ProductTerms withdrawn = event_terms();
  withdrawn.withdrawn = true;
  sale_.carry_out(sale_.change_of(shoes, withdrawn));
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, event_terms())), Code::product_not_found);
  EXPECT_EQ(sale_.refusal(AdjustStock{shoes, 1, "x"}), Code::product_not_found);
}

TEST_F(DecideProduct, AnOrderNamesTheVersionThatItBought) {
  sale_.list(shoes, 5);
  sale_.accepted(1, alice, shoes);
  sale_.carry_out(sale_.change_of(shoes, event_terms(700)));
  EXPECT_EQ(sale_.accepted(2, alice, shoes)->lines[0].version, 2);
  EXPECT_EQ(sale_.audit.orders().at(OrderId{1}).lines[0].version, 1);
}

TEST_F(DecideProduct, NobodyBuysBeforeItIsPublished) {
  ProductTerms terms = event_terms();
  terms.publish_at = at(100);
  sale_.list(shoes, 1, terms);
  sale_.now = at(99);
  EXPECT_EQ(sale_.refusal(place(alice, shoes)), Code::product_not_found);
  EXPECT_EQ(sale_.refusal(place(seller, shoes)), Code::product_not_found);
  EXPECT_EQ(sale_.refusal(sale_.change_of(shoes, terms)), std::nullopt) << "its seller works on it";
  EXPECT_EQ(sale_.refusal(AdjustStock{shoes, 1, "x"}), std::nullopt);
  sale_.now = at(100);
  EXPECT_EQ(sale_.refusal(place(alice, shoes)), std::nullopt);
}

TEST_F(DecideProduct, AKeyIsBoundByCommandsAboutProductsToo) {
  const auto with_key = [](Command command, std::uint64_t key, std::uint64_t fingerprint) {
    command.key = RequestKey{1, key};
    command.fingerprint = fingerprint;
    return command;
  };
  sale_.carry_out(with_key(ListProduct{event_terms(), {}, 1}, 1, 5), shoes.value);
  sale_.carry_out(with_key(sale_.change_of(shoes, event_terms(2)), 2, 5));
  sale_.carry_out(with_key(AdjustStock{shoes, 3, "x"}, 3, 5));
  const Command again[] = {with_key(ListProduct{event_terms(), {}, 1}, 1, 5),
                           with_key(ChangeProduct{shoes, 1, event_terms(2), {}}, 2, 5),
                           with_key(AdjustStock{shoes, 3, "x"}, 3, 5)};
  for (const Command& command : again) {
    const Decision decision = sale_.ask(command);
    const auto* replayed = std::get_if<Replayed>(&decision);
    ASSERT_NE(replayed, nullptr) << command.key.lo;
    EXPECT_EQ(replayed->subject, shoes.value);
    Command other = command;
    other.fingerprint = 6;
    EXPECT_EQ(sale_.refusal(other), Code::idempotency_mismatch);
  }
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 4);
}

TEST_F(DecideProduct, GraceOnlyGrows) {
  sale_.carry_out(GrantGrace{at(10)});
  EXPECT_TRUE(sale_.changes_nothing(GrantGrace{at(10)}));
  EXPECT_TRUE(sale_.leads_to<GraceGranted>(GrantGrace{at(11)}));
}

TEST_F(DecideProduct, StampsEventsWithTheTime) {
  sale_.now = at(77);
  EXPECT_EQ(sale_.event_of(ListProduct{event_terms(), {}, 1}).at, at(77));
}

}  // namespace
}  // namespace market
