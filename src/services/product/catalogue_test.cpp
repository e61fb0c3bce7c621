#include "services/product/catalogue.hpp"

#include <gtest/gtest.h>

#include "tests/support/fixed_board.hpp"
#include "tests/support/test_accounts.hpp"
#include "wire/json/json.hpp"

namespace market::product {
namespace {

constexpr ProductId shoes{10};
const std::string hash = "0123456789abcdef" + std::string(48, '7');

class CatalogueTest : public testing::Test {
 protected:
  boost::json::value page() const {
    std::string text;
    const ShownProduct& product = *board_.find(shoes);
    catalogue_.append_page(text, product, catalogue_.state_of(product));
    return *wire::parse_json(text);
  }
  std::string etag() const {
    const ShownProduct& product = *board_.find(shoes);
    return page_of(product).view.etag(catalogue_.state_of(product));
  }
  tests::MovedClock clock_;
  tests::FixedBoard board_{render};
  Catalogue catalogue_{board_, clock_};
};

TEST_F(CatalogueTest, APageIsRenderedOfTermsAndTexts) {
  ProductTerms terms;
  terms.price.amount = 500;
  board_.list(shoes, terms, 5, ProductTexts{"Red Shoes", "Made in SEOUL", "shoes", hash});
  EXPECT_EQ(page().at("name"), "Red Shoes");
  EXPECT_EQ(page().at("price").at("amount"), 500);
  EXPECT_EQ(page().at("imageUrl").as_string(),
            "/api/v1/products/" + shoes.text() + "/image?v=0123456789abcdef");
  EXPECT_TRUE(page_of(*board_.find(shoes)).search.matches(SearchQuery("SEOUL shoes")));
}

TEST_F(CatalogueTest, AProductWithoutAPictureNamesNone) {
  board_.list(shoes, {});
  EXPECT_TRUE(page().at("imageUrl").is_null());
}

TEST_F(CatalogueTest, APageHasTheLiveNumbersAndItsTagTheState) {
  ProductTerms terms;
  terms.sale = Sale{clock_.time + Millis(10), std::nullopt, std::nullopt};
  auto& live = board_.list(shoes, terms, 5);
  EXPECT_EQ(page().at("sale").at("state"), "scheduled");
  EXPECT_EQ(etag(), "\"1.scheduled\"");
  clock_.time += Millis(10);
  EXPECT_EQ(page().at("sale").at("state"), "open");
  EXPECT_EQ(etag(), "\"1.open\"") << "the page says another state than before";
  live.remaining = 4;
  EXPECT_EQ(page().at("stock").at("remaining"), 4);
  EXPECT_EQ(etag(), "\"1.open\"") << "the live numbers are no part of it";
  live.remaining = 0;
  EXPECT_EQ(page().at("sale").at("state"), "sold_out");
  EXPECT_EQ(page().at("stock").at("capacity"), 5);
  board_.recovers = true;
  EXPECT_EQ(page().at("sale").at("state"), "recovering");
  board_.recovers = false;
  board_.list(shoes, terms, 5);
  EXPECT_EQ(etag(), "\"2.open\"");
}

}  // namespace
}  // namespace market::product
