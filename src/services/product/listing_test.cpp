#include "services/product/listing.hpp"

#include <gtest/gtest.h>

#include "tests/support/fixed_board.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::product {
namespace {

class ListingTest : public testing::Test {
 protected:
  void put(std::int64_t id, std::int64_t price, const char* name = "Shoes", const char* category = "",
           std::optional<std::int64_t> opens_ms = std::nullopt) {
    ProductTerms terms;
    terms.price.amount = price;
    if (opens_ms) {
      terms.kind = ProductKind::event;
      terms.sale = Sale{Instant(Millis(*opens_ms)), std::nullopt, std::nullopt};
    }
    board_.list(ProductId{id}, std::move(terms), 5, ProductTexts{name, "made in Seoul", category, ""});
  }
  /// The ids of all pages, page by page, read as a client does.
  std::string walk(ListQuery query) {
    std::string seen;
    for (int pages = 0; pages < 20; ++pages) {
      const auto page = list_products(board_, query, clock_.now());
      for (const auto& product : page.products) seen += std::to_string(product->id.value) + ' ';
      if (page.next_cursor.empty()) return seen;
      seen += "| ";
      EXPECT_TRUE(read_cursor(page.next_cursor, query));
    }
    return "does not end";
  }
  tests::MovedClock clock_;
  tests::FixedBoard board_{render};
};

TEST_F(ListingTest, EveryOrderShowsEachProductOnce) {
  put(1, 300);
  put(2, 100, "Cap", "hats", 5'000);
  put(3, 300, "Bag", "bags", 1'000);
  put(4, 200);
  put(5, 300, "Tie", "", 9'000);
  ListQuery query;
  query.limit = 2;
  EXPECT_EQ(walk(query), "5 4 | 3 2 | 1 ");
  query.sort = SortBy::price_rising;
  EXPECT_EQ(walk(query), "2 4 | 5 3 | 1 ") << "equal prices: newest first, also across pages";
  query.sort = SortBy::price_falling;
  EXPECT_EQ(walk(query), "5 3 | 1 4 | 2 ");
  query.sort = SortBy::opening;
  EXPECT_EQ(walk(query), "4 1 | 3 2 | 5 ") << "those without a sale have always been open";
  query.limit = 5;
  EXPECT_EQ(walk(query), "4 1 3 2 5 ") << "a full last page has no next one";
}

TEST_F(ListingTest, OfOneSellerAlone) {
  for (const std::int64_t id : {1, 2, 3, 4, 5}) {
    ProductTerms terms;
    terms.seller = UserId{id % 2 == 0 ? 7 : 8};
    board_.list(ProductId{id}, std::move(terms), 5, ProductTexts{"Shoes", "", "", ""});
  }
  ListQuery query;
  query.limit = 1;
  query.hidden = true;
  query.seller = UserId{7};
  EXPECT_EQ(walk(query), "4 | 2 ");
  query.search = "shoes";
  query.words = SearchQuery(query.search);
  EXPECT_EQ(walk(query), "4 | 2 ") << "also of what matches";
}

TEST_F(ListingTest, FindsByTextCategoryAndKind) {
  put(1, 1, "Red Shoes", "shoes");
  put(2, 1, "Cap", "hats", 5);
  ListQuery query;
  query.words = SearchQuery("SHOES");
  EXPECT_EQ(walk(query), "1 ");
  query.words = SearchQuery("seoul");
  EXPECT_EQ(walk(query), "2 1 ") << "the description too";
  query.words = SearchQuery("made shoes");
  EXPECT_EQ(walk(query), "1 ") << "words in any order";
  query.words = SearchQuery("shoesmade");
  EXPECT_EQ(walk(query), "");
  query = {};
  query.category = "hats";
  EXPECT_EQ(walk(query), "2 ");
  query.category = "hat";
  EXPECT_EQ(walk(query), "") << "whole categories only";
  query = {};
  query.kind = ProductKind::event;
  EXPECT_EQ(walk(query), "2 ");
  query.kind = ProductKind::regular;
  EXPECT_EQ(walk(query), "1 ");
}

TEST_F(ListingTest, ACursorHoldsWhileProductsComeAndGo) {
  for (const std::int64_t id : {1, 2, 3, 4}) put(id, id * 10);
  ListQuery query;
  query.limit = 2;
  query.sort = SortBy::price_rising;
  const auto page = list_products(board_, query, clock_.now());
  ASSERT_TRUE(read_cursor(page.next_cursor, query));
  ProductTerms gone;
  gone.withdrawn = true;
  board_.list(ProductId{2}, gone);  // The product that the cursor names.
  put(5, 5);                        // Before it: not on later pages.
  EXPECT_EQ(walk(query), "3 4 ");
}

TEST_F(ListingTest, WhatIsNotPublishedIsInNoList) {
  for (std::int64_t id = 1; id <= 9; ++id) {
    ProductTerms terms;
    if (id != 2 && id != 5) terms.publish_at = clock_.now() + Millis(id);
    board_.list(ProductId{id}, terms);
  }
  ListQuery newest, cheapest;
  newest.limit = 1;
  cheapest.sort = SortBy::price_rising;
  cheapest.limit = 1;
  EXPECT_EQ(walk(newest), "5 | 2 ") << "pages are full although most are hidden";
  EXPECT_EQ(walk(cheapest), "5 | 2 ");
  clock_.time += Millis(3);
  EXPECT_EQ(walk(newest), "5 | 3 | 2 | 1 ") << "published at that moment";
  EXPECT_EQ(walk(cheapest), "5 | 3 | 2 | 1 ");
}

TEST_F(ListingTest, PricesAreComparedWithinOneCurrencyOnly) {
  for (const std::int64_t id : {1, 2, 3}) put(id, id * 10);
  ProductTerms foreign;
  foreign.price = {15, *Currency::parse("USD")};
  board_.list(ProductId{4}, foreign);
  ListQuery query;
  query.limit = 2;
  EXPECT_EQ(walk(query), "4 3 | 2 1 ") << "that needs no order of prices";
  query.sort = SortBy::price_falling;
  EXPECT_EQ(walk(query), "3 2 | 1 4 ") << "one currency behind the other, also across pages";
  query.sort = SortBy::price_rising;
  EXPECT_EQ(walk(query), "1 2 | 3 4 ");
  query.currency = Currency::parse("KRW").value();
  EXPECT_EQ(walk(query), "1 2 | 3 ");
  query.currency = Currency::parse("USD").value();
  EXPECT_EQ(walk(query), "4 ");
}

TEST(Cursor, IsOneOfOursOrRefused) {
  ListQuery query;
  EXPECT_TRUE(read_cursor("", query));
  EXPECT_FALSE(query.after);
  for (const char* wrong :
       {"x", "AAAA", "MQ", "MTo", "OjE", "MTp4", "==", "%%", "MTowQzNLUTJWOE0wRzAwMDAwMDA",
        // "1:0C3KQ2V8M0G00", "krw:1:…", "KRW:1", "KRW:x:…", "KRW1:…"
        "MTowQzNLUTJWOE0wRzAw", "a3J3OjE6MEMzS1EyVjhNMEcwMA", "S1JXOjE", "S1JXOng6MEMzS1EyVjhNMEcwMA",
        "S1JXMTowQzNLUTJWOE0wRzAw",
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFB"}) {
    const auto read = read_cursor(wrong, query);
    ASSERT_FALSE(read) << wrong;
    EXPECT_EQ(read.error().extras->fields.at(0).field, "cursor");
  }
}

}  // namespace
}  // namespace market::product
