#include "services/product/sale_control.hpp"

#include <gtest/gtest.h>

#include "domain/sale/decide.hpp"

namespace market::product {
namespace {

const Instant now{Millis(1'800'000'000'000)};

ProductTerms open_terms() {
  ProductTerms terms;
  terms.price = Money{100, {}};
  terms.sale = Sale{now - Millis(1'000), std::nullopt, 2};
  return terms;
}
std::string failing(const ProductTerms& terms, const ProductTexts& texts, std::int64_t remaining,
                    bool recovering = false) {
  std::string names;
  for (const SaleCheck& check : preflight(terms, texts, remaining, recovering, now))
    if (!check.ok) names += std::string(check.name) + (check.needed ? "! " : " ");
  return names;
}

TEST(SaleControl, PausesAndGoesOn) {
  ProductTerms terms = open_terms();
  ASSERT_TRUE(pause_sale(terms, now));
  EXPECT_EQ(sale_state(terms, 5, now), SaleStateName::closed);
  EXPECT_EQ(pause_sale(terms, now).error().code, Code::sale_closed);
  ASSERT_TRUE(extend_sale(terms, now + Millis(1'000), now));
  EXPECT_EQ(sale_state(terms, 5, now), SaleStateName::open);
  EXPECT_EQ(sale_state(terms, 5, now + Millis(1'000)), SaleStateName::closed);
  ASSERT_TRUE(extend_sale(terms, std::nullopt, now));
  EXPECT_EQ(sale_state(terms, 5, now + Millis(1'000'000)), SaleStateName::open);
}

TEST(SaleControl, APauseKeepsTheEnd) {
  ProductTerms terms = open_terms();
  terms.sale->closes_at = now + Millis(60'000);
  ASSERT_TRUE(pause_sale(terms, now));
  EXPECT_EQ(terms.sale->closes_at, now + Millis(60'000));
  EXPECT_EQ(refuses_visibly(terms, 5, now)->code, Code::sale_closed);
  EXPECT_EQ(refuses_visibly(terms, 5, now)->detail, "the sale is paused");
  EXPECT_EQ(failing(terms, ProductTexts{"Bag", "A bag", "bags", std::string(64, 'a')}, 5), "not_paused! ");
}

TEST(SaleControl, RefusesWhatMakesNoSense) {
  ProductTerms terms = open_terms();
  EXPECT_EQ(extend_sale(terms, now, now).error().code, Code::validation);
  terms.sale->opens_at = now + Millis(5'000);
  EXPECT_EQ(pause_sale(terms, now).error().code, Code::sale_not_open);
  EXPECT_EQ(extend_sale(terms, now + Millis(5'000), now).error().code, Code::validation);
  terms.sale.reset();
  EXPECT_EQ(pause_sale(terms, now).error().code, Code::sale_not_open);
  EXPECT_EQ(extend_sale(terms, now + Millis(1), now).error().code, Code::sale_not_open);
}

TEST(SaleControl, SaysWhatIsMissingBeforeTheOpening) {
  const ProductTexts whole{"Bag", "A bag", "bags", std::string(64, 'a')};
  EXPECT_EQ(failing(open_terms(), whole, 5), "");
  EXPECT_EQ(failing(open_terms(), {}, 0, true), "log_writable! stock! picture description ");
  ProductTerms terms = open_terms();
  terms.publish_at = now + Millis(1);
  terms.price.amount = 0;
  terms.sale->per_user_limit.reset();
  EXPECT_EQ(failing(terms, whole, 5), "price! published! limit ");
  terms.sale->closes_at = now;
  EXPECT_EQ(failing(terms, whole, 5), "not_over! price! published! limit ");
  terms.sale.reset();
  EXPECT_EQ(failing(terms, whole, 5), "sale! price! published! limit ");
}

}  // namespace
}  // namespace market::product
