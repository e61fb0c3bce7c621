#include "wire/json/product_view.hpp"

#include <gtest/gtest.h>

#include "wire/json/json.hpp"

namespace market::wire {
namespace {

Instant at(std::int64_t millis) {
  return Instant(Millis(1'800'000'000'000 + millis));
}

struct Shown {
  ProductTexts texts{"Shoes <\"1\">", "text", "", ""};
  std::string image;
  std::int64_t version = 3;
  ProductTerms terms;

  ProductView view() const {
    return ProductView(ProductFacts{ProductId{10}, version, texts, terms, image, at(0), at(0)});
  }
  boost::json::value page(SaleStateName state = SaleStateName::open, std::int64_t remaining = 3) const {
    std::string text;
    view().append_to(text, state, remaining, 5);
    return *parse_json(text);
  }
};

TEST(ProductView, HasTheMembersOfTheApi) {
  Shown shown;
  shown.terms.seller = UserId{9};
  shown.terms.price.amount = 15'000;
  const auto expected = *parse_json(R"({
    "id": ")" + ProductId{10}.text() +
                                    R"(", "name": "Shoes <\"1\">", "description": "text", "category": "",
    "price": {"amount": 15000, "currency": "KRW"}, "imageUrl": null, "kind": "regular", "sale": null,
    "stock": {"remaining": 3, "capacity": 5}, "publishAt": null, "sellerId": ")" +
                                    UserId{9}.text() + R"(",
    "createdAt": "2027-01-15T08:00:00.000Z", "updatedAt": "2027-01-15T08:00:00.000Z"})");
  EXPECT_EQ(shown.page(), expected);
}

TEST(ProductView, ASaleShowsItsStateAndItsLimits) {
  Shown shown;
  shown.image = "/api/v1/products/x/image?v=1";
  shown.terms.kind = ProductKind::event;
  shown.terms.sale = Sale{at(0), std::nullopt, std::nullopt, false};
  EXPECT_EQ(shown.page(SaleStateName::sold_out, 0).at("sale"),
            *parse_json(R"({"opensAt":"2027-01-15T08:00:00.000Z","closesAt":null,"perUserLimit":null,)"
                        R"("paused":false,"state":"sold_out"})"));
  shown.terms.sale = Sale{at(0), at(1'000), 2, true};
  const auto page = shown.page(SaleStateName::recovering);
  EXPECT_EQ(page.at("sale"), *parse_json(R"({"opensAt":"2027-01-15T08:00:00.000Z",)"
                                         R"("closesAt":"2027-01-15T08:00:01.000Z","perUserLimit":2,)"
                                         R"("paused":true,"state":"recovering"})"));
  EXPECT_EQ(page.at("imageUrl"), "/api/v1/products/x/image?v=1");
  EXPECT_EQ(page.at("stock").at("remaining"), 3);
}

TEST(ProductView, TheETagIsTheVersionAndTheStateOfTheSale) {
  Shown shown;
  const ProductView view = shown.view();
  EXPECT_EQ(view.etag(SaleStateName::open), "\"3.open\"");
  EXPECT_EQ(view.etag(SaleStateName::sold_out), "\"3.sold_out\"") << "the page says the state";
  shown.version = 40;
  EXPECT_EQ(shown.view().etag(SaleStateName::open), "\"40.open\"");
}

TEST(StockView, IsLive) {
  std::string text;
  append_stock(text, SaleStateName::scheduled, false, 0, 7, at(5));
  EXPECT_EQ(text, R"({"remaining":0,"capacity":7,"saleState":"scheduled","paused":false,)"
                  R"("asOf":"2027-01-15T08:00:00.005Z"})");
}

}  // namespace
}  // namespace market::wire
