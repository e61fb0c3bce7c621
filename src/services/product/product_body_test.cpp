#include "services/product/product_body.hpp"

#include <gtest/gtest.h>

namespace market::product {
namespace {

template <class T>
std::string wrong_members(const Result<T>& result) {
  std::string all;
  if (result) return all;
  for (const auto& error : result.error().extras->fields)
    all += (all.empty() ? "" : " ") + error.field + ':' + error.code;
  return all;
}

std::string new_product(const std::string& more) {
  return R"({"name":"Shoes","price":{"amount":1,"currency":"KRW"},"stock":1)" + more + "}";
}

TEST(NewProduct, IsReadWhole) {
  const auto read = read_new_product(
      R"({"name":"한정판","description":"d","category":"c","price":{"amount":15000,"currency":"USD"},"stock":7,)"
      R"("kind":"event","sale":{"opensAt":"2027-01-15T17:00:00+09:00","closesAt":"2027-01-15T08:00:01Z",)"
      R"("perUserLimit":2}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text.name, "한정판");
  EXPECT_EQ(read->terms.price, (Money{15'000, *Currency::parse("USD")}));
  EXPECT_EQ(read->terms.kind, ProductKind::event);
  EXPECT_EQ(read->terms.sale,
            (Sale{Instant(Millis(1'800'000'000'000)), Instant(Millis(1'800'000'001'000)), 2}));
  EXPECT_EQ(read->stock, 7);
  EXPECT_FALSE(read->terms.seller) << "the caller, never the body";
}

TEST(NewProduct, NeedsLittle) {
  const auto read = read_new_product(new_product(R"(,"sale":{"opensAt":"2027-01-15T08:00:00Z"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->terms.kind, ProductKind::regular);
  EXPECT_EQ(read->terms.sale->per_user_limit, std::nullopt);
  EXPECT_EQ(read_new_product(new_product(R"(,"sale":null)"))->terms.sale, std::nullopt);
}

TEST(NewProduct, NamesEveryWrongMember) {
  EXPECT_EQ(wrong_members(read_new_product("{}")), "name:required price:required stock:required");
  const std::pair<const char*, const char*> wrong[] = {
      {R"(,"sellerId":"x")", "sellerId:unknown"},
      {R"(,"kind":"limited")", "kind:format"},
      {R"(,"sale":{})", "sale.opensAt:required"},
      {R"(,"sale":[])", "sale:type"},
      {R"(,"sale":{"opensAt":"2027-01-15T08:00:00Z","closesAt":"2027-01-15T08:00:00Z"})",
       "sale.closesAt:range"},
      {R"(,"sale":{"opensAt":"2027-01-15T08:00:00Z","perUserLimit":0})", "sale.perUserLimit:range"},
      {R"(,"sale":{"opensAt":"2027-01-15T08:00:00Z","state":"open"})", "sale.state:unknown"}};
  for (const auto& [more, members] : wrong)
    EXPECT_EQ(wrong_members(read_new_product(new_product(more))), members) << more;
  EXPECT_EQ(
      wrong_members(read_new_product(
          R"({"name":"\u202e \u200b","price":{"amount":-1,"currency":"ZZZ","x":1},"stock":1000000001})")),
      "name:format price.amount:range price.currency:format price.x:unknown stock:range");
  EXPECT_EQ(wrong_members(read_new_product(R"({"name":"a","price":{"amount":1},"stock":1})")),
            "price.currency:required")
      << "one mistake, one line";
  EXPECT_EQ(read_new_product("nonsense").error().code, Code::invalid_json);
}

TEST(ProductPatch, ChangesOnlyWhatItNames) {
  ProductText text;
  text.name = "Old";
  text.description = "d";
  ProductTerms terms;
  terms.price.amount = 5;
  terms.sale = Sale{Instant(Millis(5)), std::nullopt, 2};
  const ProductTerms before = terms;
  ASSERT_TRUE(read_product_patch("{}", text, terms));
  EXPECT_EQ(terms, before);
  ASSERT_TRUE(read_product_patch(R"({"name":"New","description":""})", text, terms));
  EXPECT_EQ(text.name, "New");
  EXPECT_EQ(text.description, "");
  EXPECT_EQ(terms, before);
  ASSERT_TRUE(read_product_patch(R"({"sale":null})", text, terms));
  EXPECT_EQ(terms.sale, std::nullopt);
  EXPECT_EQ(terms.price.amount, 5);
  EXPECT_EQ(wrong_members(read_product_patch(R"({"stock":1})", text, terms)), "stock:unknown");
  EXPECT_EQ(wrong_members(read_product_patch(R"({"name":null})", text, terms)), "name:type");
}

TEST(StockChange, NeedsAReason) {
  EXPECT_EQ(read_stock_change(R"({"delta":-3,"reason":"broken"})")->delta, -3);
  EXPECT_EQ(wrong_members(read_stock_change(R"({"delta":1.5,"reason":" "})")), "delta:type reason:format");
  EXPECT_EQ(wrong_members(read_stock_change(R"({"delta":1000000001})")), "delta:range reason:required");
}

}  // namespace
}  // namespace market::product
