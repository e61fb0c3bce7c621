#include "wire/json/order_view.hpp"

#include <gtest/gtest.h>

#include "wire/json/json.hpp"

namespace market::wire {
namespace {

Instant at(std::int64_t millis) {
  return Instant(Millis(1'800'000'000'000 + millis));
}

std::string name_of(ProductId id, std::int64_t version) {
  return id == ProductId{10} && version == 3 ? "\"Limited\" shoes" : "Cap";
}

Order two_lines() {
  Order order;
  order.id = OrderId{77};
  order.user = UserId{5};
  order.state = OrderState::paid;
  order.payment = PaymentState::paid;
  order.total = Money{1'250, {}};
  order.pay_by = at(600'000);
  order.created_at = at(0);
  order.updated_at = at(1);
  order.lines.push_back(OrderLine{ProductId{10}, 3, 2, Money{500, {}}, 41});
  order.lines.push_back(OrderLine{ProductId{11}, 1, 1, Money{250, {}}, 0});
  order.history.push_back({OrderState::accepted, at(0)});
  order.history.push_back({OrderState::paid, at(1)});
  return order;
}

TEST(OrderView, HasTheMembersOfTheApi) {
  std::string text = "before";
  append_order(text, two_lines(), name_of);
  ASSERT_TRUE(text.starts_with("before{")) << "appends";
  const auto json = *parse_json(std::string_view(text).substr(6));
  const auto expected = *parse_json(R"({
    "id": ")" + OrderId{77}.text() + R"(", "state": "paid",
    "items": [
      {"productId": ")" + ProductId{10}.text() +
                                    R"(", "name": "\"Limited\" shoes", "quantity": 2,
       "unitPrice": {"amount": 500, "currency": "KRW"}, "ticket": 41},
      {"productId": ")" + ProductId{11}.text() +
                                    R"(", "name": "Cap", "quantity": 1,
       "unitPrice": {"amount": 250, "currency": "KRW"}, "ticket": null}],
    "total": {"amount": 1250, "currency": "KRW"},
    "payBy": "2027-01-15T08:10:00.000Z", "payment": {"state": "paid"},
    "createdAt": "2027-01-15T08:00:00.000Z", "updatedAt": "2027-01-15T08:00:00.001Z",
    "history": [{"state": "accepted", "at": "2027-01-15T08:00:00.000Z"},
                {"state": "paid", "at": "2027-01-15T08:00:00.001Z"}]})");
  EXPECT_EQ(json, expected) << text;
}

TEST(OrderView, TellsNobodyTheKeyOrTheBuyer) {
  std::string text;
  append_order(text, two_lines(), name_of);
  EXPECT_EQ(text.find(UserId{5}.text()), std::string::npos);
  EXPECT_EQ(text.find("key"), std::string::npos);
}

TEST(OrderView, WritesTheLargestMoney) {
  std::string text;
  append_money(text, Money{Money::amount_max, *Currency::parse("USD")});
  EXPECT_EQ(text, R"({"amount":1000000000000,"currency":"USD"})");
  text.clear();
  append_number(text, INT64_MIN);
  EXPECT_EQ(text, "-9223372036854775808");
}

}  // namespace
}  // namespace market::wire
