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
  EXPECT_EQ(read->texts.name, "한정판");
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

TEST(NewProduct, AnEventHasASale) {
  EXPECT_EQ(wrong_members(read_new_product(new_product(R"(,"kind":"event")"))), "sale:required");
  EXPECT_EQ(wrong_members(read_new_product(new_product(R"(,"kind":"event","sale":null)"))), "sale:required");
  EXPECT_EQ(wrong_members(read_new_product(new_product(R"(,"kind":"event","sale":[])"))), "sale:type")
      << "one mistake, one line";
}

TEST(NewProduct, MayBePublishedLater) {
  EXPECT_EQ(read_new_product(new_product(""))->terms.publish_at, std::nullopt);
  EXPECT_EQ(read_new_product(new_product(R"(,"publishAt":null)"))->terms.publish_at, std::nullopt);
  EXPECT_EQ(read_new_product(new_product(R"(,"publishAt":"2027-01-15T08:00:00Z")"))->terms.publish_at,
            Instant(Millis(1'800'000'000'000)));
  EXPECT_EQ(wrong_members(read_new_product(new_product(R"(,"publishAt":"soon")"))), "publishAt:format");
  EXPECT_EQ(wrong_members(read_new_product(new_product(R"(,"publishAt":5)"))), "publishAt:format");
}

TEST(NewProduct, ANumberMayBeWrittenInAnyForm) {
  const auto read = read_new_product(R"({"name":"a","price":{"amount":1.5e4,"currency":"KRW"},"stock":1e0})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->terms.price.amount, 15'000);
  EXPECT_EQ(read->stock, 1);
}

TEST(ProductPatch, ChangesOnlyWhatItNames) {
  ProductTexts text;
  text.name = "Old";
  text.description = "d";
  ProductTerms terms;
  terms.price.amount = 5;
  terms.sale = Sale{Instant(Millis(5)), std::nullopt, 2};
  const ProductTerms before = terms;
  ASSERT_TRUE(read_product_patch("{}", terms, text));
  EXPECT_EQ(terms, before);
  ASSERT_TRUE(read_product_patch(R"({"name":"New","description":""})", terms, text));
  EXPECT_EQ(text.name, "New");
  EXPECT_EQ(text.description, "");
  EXPECT_EQ(terms, before);
  ASSERT_TRUE(read_product_patch(R"({"sale":null})", terms, text));
  EXPECT_EQ(terms.sale, std::nullopt);
  EXPECT_EQ(terms.price.amount, 5);
  EXPECT_EQ(wrong_members(read_product_patch(R"({"stock":1})", terms, text)), "stock:unknown");
  EXPECT_EQ(wrong_members(read_product_patch(R"({"name":null})", terms, text)), "name:type");
}

TEST(ProductPatch, TakesNoNullForATextOrAKind) {
  for (const std::string name : {"description", "category", "kind"}) {
    ProductTerms terms;
    ProductTexts texts;
    const std::string member = "\"" + name + "\":null";
    EXPECT_EQ(wrong_members(read_product_patch("{" + member + "}", terms, texts)), name + ":type");
    EXPECT_EQ(wrong_members(read_new_product(new_product("," + member))), name + ":type");
  }
  ProductTerms terms;
  ProductTexts texts{"n", "d", "c", {}};
  ASSERT_TRUE(read_product_patch(R"({"description":"","category":""})", terms, texts));
  EXPECT_EQ(texts, (ProductTexts{"n", "", "", {}})) << "this is how they are cleared";
}

TEST(ProductPatch, LeavesNoEventWithoutASale) {
  ProductTexts texts;
  ProductTerms regular;
  EXPECT_EQ(wrong_members(read_product_patch(R"({"kind":"event"})", regular, texts)), "sale:required");
  ProductTerms event;
  event.kind = ProductKind::event;
  event.sale = Sale{Instant(Millis(5)), std::nullopt, 2};
  ASSERT_TRUE(read_product_patch(R"({"name":"New"})", event, texts));
  EXPECT_EQ(wrong_members(read_product_patch(R"({"sale":null})", event, texts)), "sale:required");
  ASSERT_TRUE(read_product_patch(R"({"sale":null,"kind":"regular"})", event, texts));
  EXPECT_EQ(event.sale, std::nullopt);
}

TEST(ProductPatch, MovesAndEndsTheWaitForPublication) {
  ProductTexts texts;
  ProductTerms terms;
  ASSERT_TRUE(read_product_patch(R"({"publishAt":"2027-01-15T08:00:00Z"})", terms, texts));
  EXPECT_EQ(terms.publish_at, Instant(Millis(1'800'000'000'000)));
  ASSERT_TRUE(read_product_patch(R"({"name":"New"})", terms, texts));
  EXPECT_TRUE(terms.publish_at);
  ASSERT_TRUE(read_product_patch(R"({"publishAt":null})", terms, texts));
  EXPECT_FALSE(terms.publish_at);
}

TEST(StockChange, NeedsAReason) {
  EXPECT_EQ(read_stock_change(R"({"delta":-3,"reason":"broken"})")->delta, -3);
  EXPECT_EQ(wrong_members(read_stock_change(R"({"delta":1.5,"reason":" "})")), "delta:type reason:format");
  EXPECT_EQ(wrong_members(read_stock_change(R"({"delta":1000000001})")), "delta:range reason:required");
}

}  // namespace
}  // namespace market::product
