#include "services/order/sale_report.hpp"

#include <gtest/gtest.h>

#include "wire/json/json.hpp"

namespace market::order {
namespace {

const Instant begin{std::chrono::hours(500'000)};

Order order_of(OrderState state, PaymentState payment, std::int64_t price, std::string_view currency) {
  Order order;
  order.state = state;
  order.payment = payment;
  order.lines.push_back(OrderLine{ProductId{7}, 1, 2, Money{price, *Currency::parse(currency)}, 1});
  order.history.push_back(StateChange{OrderState::accepted, begin});
  return order;
}

class SaleReportTest : public testing::Test {
 protected:
  boost::json::value page() {
    const SaleReport report{ProductId{7}, *Currency::parse("KRW"), 10, 4, counted_, refused_};
    return *wire::parse_json(sale_report_page(report));
  }
  void add(OrderState state, PaymentState payment, std::int64_t price, std::string_view currency = "KRW") {
    counted_.counts.add(order_of(state, payment, price, currency), ProductId{7});
  }
  void refuse(int second, const char* reason, std::int64_t count) {
    refused_.push_back(RefusedOrders{ProductId{7}, begin + std::chrono::seconds(second), reason, count});
  }
  CountedOrders counted_;
  std::vector<RefusedOrders> refused_;
};

TEST_F(SaleReportTest, RevenueIsWhatStaysAndNothingThatWasGivenBack) {
  add(OrderState::paid, PaymentState::paid, 100);
  add(OrderState::delivered, PaymentState::refunded, 1'000);
  add(OrderState::shipped, PaymentState::refunding, 10'000);
  add(OrderState::cancelled, PaymentState::refunded, 100'000);
  add(OrderState::accepted, PaymentState::none, 1'000'000);
  EXPECT_EQ(page().at("revenue").at("amount"), 200);
  EXPECT_EQ(page().at("refunded").at("amount"), 222'000);
  EXPECT_EQ(page().at("liveOrders"), 4);
}

TEST_F(SaleReportTest, MoneyIsThatOfItsOwnCurrency) {
  add(OrderState::paid, PaymentState::paid, 15'000, "KRW");
  add(OrderState::paid, PaymentState::paid, 999, "USD");
  add(OrderState::cancelled, PaymentState::refunded, 999, "USD");
  EXPECT_EQ(page().at("revenue"), *wire::parse_json(R"({"amount":30000,"currency":"KRW"})"));
  EXPECT_EQ(page().at("refunded"), *wire::parse_json(R"({"amount":0,"currency":"KRW"})"));
  EXPECT_EQ(page().at("liveOrders"), 2);
}

TEST_F(SaleReportTest, RefusalsAreSummedInStepsThatAreFew) {
  refuse(0, "sale_not_open", 2);
  refuse(1, "sold_out", 3);
  refuse(1, "limit_exceeded", 1);
  EXPECT_EQ(page().at("refusals"), *wire::parse_json(R"({"stepSeconds":1,
      "reasons":{"limit_exceeded":1,"sale_not_open":2,"sold_out":3},
      "items":[{"at":"2027-01-15T08:00:00.000Z","reasons":{"sale_not_open":2}},
               {"at":"2027-01-15T08:00:01.000Z","reasons":{"limit_exceeded":1,"sold_out":3}}]})"));
  for (int day = 1; day <= 90; ++day) refuse(day * 86'400, "sold_out", 1);
  const auto refusals = page().at("refusals");
  EXPECT_LE(refusals.at("items").as_array().size(), 240u);
  EXPECT_EQ(refusals.at("reasons").at("sold_out"), 93);
  EXPECT_EQ(refusals.at("stepSeconds"), 32'768);
}

TEST_F(SaleReportTest, WithoutRefusalsThereAreNone) {
  EXPECT_EQ(page().at("refusals"), *wire::parse_json(R"({"stepSeconds":1,"reasons":{},"items":[]})"));
}

}  // namespace
}  // namespace market::order
