#include "domain/sale/product.hpp"

#include <gtest/gtest.h>

#include <set>

#include "domain/sale/order.hpp"

namespace market {
namespace {

Instant at(std::int64_t millis) {
  return Instant(Millis(millis));
}

TEST(SaleState, FollowsWindowAndStock) {
  ProductTerms terms;
  EXPECT_EQ(sale_state(terms, 1, at(0)), SaleStateName::open) << "without a sale: while units remain";
  EXPECT_EQ(sale_state(terms, 0, at(0)), SaleStateName::sold_out);
  terms.sale = Sale{at(100), at(200), std::nullopt};
  EXPECT_EQ(sale_state(terms, 0, at(99)), SaleStateName::scheduled) << "before its stock matters";
  EXPECT_EQ(sale_state(terms, 1, at(100)), SaleStateName::open);
  EXPECT_EQ(sale_state(terms, 0, at(199)), SaleStateName::sold_out);
  EXPECT_EQ(sale_state(terms, 1, at(200)), SaleStateName::closed);
  terms.sale->paused = true;
  EXPECT_EQ(sale_state(terms, 1, at(99)), SaleStateName::scheduled);
  EXPECT_EQ(sale_state(terms, 1, at(100)), SaleStateName::closed) << "paused";
  terms.withdrawn = true;
  EXPECT_EQ(sale_state(terms, 1, at(0)), SaleStateName::closed);
}

TEST(SaleState, NamesAreThoseOfTheInterface) {
  EXPECT_EQ(text_of(SaleStateName::scheduled), "scheduled");
  EXPECT_EQ(text_of(SaleStateName::open), "open");
  EXPECT_EQ(text_of(SaleStateName::sold_out), "sold_out");
  EXPECT_EQ(text_of(SaleStateName::closed), "closed");
  EXPECT_EQ(text_of(SaleStateName::recovering), "recovering");
  EXPECT_EQ(text_of(ProductKind::event), "event");
  EXPECT_EQ(text_of(ProductKind::regular), "regular");
}

TEST(Currency, IsThreeCapitalLetters) {
  EXPECT_EQ(Currency::parse("USD")->text(), "USD");
  for (const auto* wrong : {"", "US", "USDX", "usd", "U5D", "US\xC3"})
    EXPECT_EQ(Currency::parse(wrong).error().code, Code::validation) << wrong;
}

TEST(Currency, KnowsTheActiveOnes) {
  const auto digits = [](const char* letters) { return Currency::parse(letters)->minor_digits(); };
  EXPECT_EQ(Currency().minor_digits(), 0) << "KRW";
  EXPECT_EQ(digits("JPY"), 0);
  EXPECT_EQ(digits("USD"), 2);
  EXPECT_EQ(digits("ZWG"), 2);
  EXPECT_EQ(digits("KWD"), 3);
  for (const auto* none : {"ZZZ", "XXX", "XTS", "XAU", "DEM", "HRK", "ZWL", "AAA"})
    EXPECT_EQ(digits(none), std::nullopt) << none;
}

TEST(OrderState, EveryNameReadsBack) {
  for (int i = 0; i <= static_cast<int>(OrderState::cancelled); ++i)
    EXPECT_EQ(parse_order_state(text_of(static_cast<OrderState>(i))), static_cast<OrderState>(i));
  for (int i = 0; i <= static_cast<int>(PaymentState::refunded); ++i)
    EXPECT_EQ(parse_payment_state(text_of(static_cast<PaymentState>(i))), static_cast<PaymentState>(i));
  for (const auto* wrong : {"", "Paid", "paid "}) {
    EXPECT_EQ(parse_order_state(wrong), std::nullopt);
    EXPECT_EQ(parse_payment_state(wrong), std::nullopt);
  }
}

/// Each pair that is not named here is refused.
TEST(OrderState, OnlyTheseStepsFollow) {
  using enum OrderState;
  const std::set<std::pair<OrderState, OrderState>> legal{{accepted, paid},
                                                          {accepted, expired},
                                                          {accepted, cancelled},
                                                          {expired, paid},
                                                          {paid, preparing},
                                                          {paid, cancelled},
                                                          {preparing, shipped},
                                                          {preparing, cancelled},
                                                          {shipped, delivered},
                                                          {delivered, return_requested},
                                                          {return_requested, returned}};
  for (int from = 0; from <= static_cast<int>(cancelled); ++from)
    for (int to = 0; to <= static_cast<int>(cancelled); ++to) {
      const std::pair step(static_cast<OrderState>(from), static_cast<OrderState>(to));
      EXPECT_EQ(may_follow(step.first, step.second), legal.contains(step))
          << text_of(step.first) << " to " << text_of(step.second);
    }
}

TEST(Order, HasOpenWorkWhileATimerOrTheProviderMayComeBackToIt) {
  EXPECT_TRUE(has_open_work(OrderState::accepted, PaymentState::none)) << "it may expire";
  EXPECT_FALSE(has_open_work(OrderState::paid, PaymentState::paid));
  EXPECT_TRUE(has_open_work(OrderState::expired, PaymentState::pending)) << "late money";
  EXPECT_TRUE(has_open_work(OrderState::expired, PaymentState::refunding));
}

TEST(Product, IsPublicFromItsMomentUntilItIsWithdrawn) {
  ProductTerms terms;
  EXPECT_TRUE(is_public(terms, at(0)));
  terms.publish_at = at(100);
  EXPECT_FALSE(is_public(terms, at(99)));
  EXPECT_TRUE(is_public(terms, at(100)));
  terms.withdrawn = true;
  EXPECT_FALSE(is_public(terms, at(100)));
}

}  // namespace
}  // namespace market
