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
    EXPECT_EQ(sale_.refusal(ListProduct{shoes, terms, 1}), Code::validation);
    EXPECT_EQ(sale_.refusal(ChangeProduct{cap, terms}), Code::validation);
  }
  for (const std::int64_t stock : {std::int64_t{-1}, ProductStock::stock_max + 1})
    EXPECT_EQ(sale_.refusal(ListProduct{shoes, event_terms(), stock}), Code::validation);
}

TEST_F(DecideProduct, KeepsTheSeller) {
  sale_.list(shoes, 1);
  ProductTerms other_seller = event_terms();
  other_seller.seller = alice;
  EXPECT_EQ(sale_.refusal(ChangeProduct{shoes, other_seller}), Code::validation);
  EXPECT_EQ(sale_.refusal(ChangeProduct{unknown_product, event_terms()}), Code::product_not_found);
  EXPECT_TRUE(sale_.changes_nothing(ChangeProduct{shoes, event_terms()}));
  EXPECT_TRUE(sale_.changes_nothing(ListProduct{shoes, event_terms(1), 99})) << "listed before";
}

TEST_F(DecideProduct, TicketsGoOnWhereTheyWereWhenTheKindChangesAndComesBack) {
  sale_.list(shoes, 5);
  EXPECT_EQ(sale_.accepted(1, alice, shoes, 1)->lines[0].ticket, 1);
  ProductTerms regular = event_terms();
  regular.kind = ProductKind::regular;
  sale_.carry_out(ChangeProduct{shoes, regular});
  EXPECT_EQ(sale_.accepted(2, alice, shoes, 1)->lines[0].ticket, 0);
  sale_.carry_out(ChangeProduct{shoes, event_terms()});
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

TEST_F(DecideProduct, GraceAndEpochOnlyGrow) {
  sale_.carry_out(GrantGrace{at(10)});
  sale_.carry_out(OpenEpoch{2});
  EXPECT_TRUE(sale_.changes_nothing(GrantGrace{at(10)}));
  EXPECT_TRUE(sale_.changes_nothing(OpenEpoch{1}));
  EXPECT_TRUE(sale_.leads_to<GraceGranted>(GrantGrace{at(11)}));
  EXPECT_TRUE(sale_.leads_to<EpochOpened>(OpenEpoch{3}));
}

TEST_F(DecideProduct, StampsEventsWithTheTimeAndTheEpoch) {
  sale_.carry_out(OpenEpoch{2});
  sale_.now = at(77);
  const Decision decision = sale_.ask(ListProduct{shoes, event_terms(), 1});
  EXPECT_EQ(std::get<Event>(decision).at, at(77));
  EXPECT_EQ(std::get<Event>(decision).epoch, 2);
}

}  // namespace
}  // namespace market
