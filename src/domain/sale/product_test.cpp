#include "domain/sale/product.hpp"

#include <gtest/gtest.h>

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
  terms.withdrawn = true;
  EXPECT_EQ(sale_state(terms, 1, at(0)), SaleStateName::closed);
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
  for (const auto* wrong : {"", "Paid", "paid "}) EXPECT_EQ(parse_order_state(wrong), std::nullopt);
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
