#include "services/product/catalogue.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/fixed_stock.hpp"
#include "tests/support/test_accounts.hpp"
#include "wire/json/json.hpp"

namespace market::product {
namespace {

ProductText text_of(std::int64_t id, std::string name = "Shoes") {
  ProductText text;
  text.id = ProductId{id};
  text.name = std::move(name);
  return text;
}

class CatalogueTest : public testing::Test {
 protected:
  void put(std::int64_t id, std::string name = "Shoes", ProductTerms terms = {}) {
    stock_.list(ProductId{id}, std::move(terms));
    ASSERT_TRUE(catalogue_.put(text_of(id, std::move(name))));
  }
  std::vector<std::int64_t> newest(std::int64_t before, std::size_t count) const {
    std::vector<std::int64_t> ids;
    for (const auto& entry : catalogue_.newest(ProductId{before}, count)) ids.push_back(entry->text.id.value);
    return ids;
  }
  tests::MovedClock clock_;
  tests::FixedStock stock_;
  Catalogue catalogue_{stock_, clock_};
};

TEST_F(CatalogueTest, ShowsWhatTheGateKnows) {
  EXPECT_EQ(catalogue_.put(text_of(1)).error().code, Code::product_not_found);
  EXPECT_EQ(catalogue_.find(ProductId{1}), nullptr);
  put(1);
  ASSERT_NE(catalogue_.find(ProductId{1}), nullptr);
  EXPECT_EQ(catalogue_.name_of(ProductId{1}), "Shoes");
  EXPECT_EQ(catalogue_.name_of(ProductId{2}), "");
}

TEST_F(CatalogueTest, AtStartTextsWithoutAProductStayUnseen) {
  stock_.list(ProductId{1}, {});
  catalogue_.load({text_of(1), text_of(2)});
  EXPECT_NE(catalogue_.find(ProductId{1}), nullptr);
  EXPECT_EQ(catalogue_.find(ProductId{2}), nullptr);
  EXPECT_EQ(catalogue_.all()->size(), 1u);
}

TEST_F(CatalogueTest, AChangeIsSeenByEveryThread) {
  put(1, "Old");
  EXPECT_EQ(catalogue_.name_of(ProductId{1}), "Old");  // This thread keeps a copy now.
  std::thread([this] {
    EXPECT_EQ(catalogue_.name_of(ProductId{1}), "Old");
    put(1, "New");
    EXPECT_EQ(catalogue_.name_of(ProductId{1}), "New");
  }).join();
  EXPECT_EQ(catalogue_.name_of(ProductId{1}), "New");
  EXPECT_EQ(catalogue_.all()->at(0)->text.name, "New");
}

TEST_F(CatalogueTest, ANewCatalogueSeesNothingOfAnOldOne) {
  put(1, "Old");
  EXPECT_EQ(catalogue_.name_of(ProductId{1}), "Old");
  const Catalogue other(stock_, clock_);
  EXPECT_EQ(other.name_of(ProductId{1}), "") << "the thread's copy belongs to one catalogue";
}

TEST_F(CatalogueTest, AWithdrawnProductKeepsItsNameForItsOrders) {
  put(1, "Gone");
  ProductTerms terms;
  terms.withdrawn = true;
  put(1, "Gone", terms);
  EXPECT_EQ(catalogue_.find(ProductId{1}), nullptr);
  EXPECT_EQ(catalogue_.name_of(ProductId{1}), "Gone");
  EXPECT_TRUE(newest(0, 10).empty());
  EXPECT_TRUE(catalogue_.all()->empty());
}

TEST_F(CatalogueTest, NewestComesFirstAndGoesOnBehind) {
  for (const std::int64_t id : {2, 5, 1, 4, 3}) put(id);
  EXPECT_EQ(newest(0, 2), (std::vector<std::int64_t>{5, 4}));
  EXPECT_EQ(newest(4, 2), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(newest(1, 2), (std::vector<std::int64_t>{}));
}

TEST_F(CatalogueTest, APageHasTheLiveNumbers) {
  ProductTerms terms;
  terms.sale = Sale{clock_.time + Millis(10), std::nullopt, std::nullopt};
  auto& live = stock_.list(ProductId{1}, terms, 5);
  ASSERT_TRUE(catalogue_.put(text_of(1)));
  const auto page = [this] {
    std::string text;
    catalogue_.append_page(text, *catalogue_.find(ProductId{1}));
    return *wire::parse_json(text);
  };
  EXPECT_EQ(page().at("sale").at("state"), "scheduled");
  clock_.time += Millis(10);
  EXPECT_EQ(page().at("sale").at("state"), "open");
  live.remaining = 0;
  EXPECT_EQ(page().at("sale").at("state"), "sold_out");
  EXPECT_EQ(page().at("stock").at("remaining"), 0);
  EXPECT_EQ(page().at("stock").at("capacity"), 5);
  stock_.recovers = true;
  EXPECT_EQ(page().at("sale").at("state"), "recovering");
}

TEST(FoldCase, FoldsAsciiOnly) {
  EXPECT_EQ(fold_case("AbZ@[`{"), "abz@[`{");
  EXPECT_EQ(fold_case("한정판 ÄÖ"), "한정판 ÄÖ");
}

}  // namespace
}  // namespace market::product
