#include "wire/json/order_body.hpp"

#include <gtest/gtest.h>

namespace market::wire {
namespace {

const std::string id = ProductId{123'456'789}.text();

TEST(OrderBody, ReadsTheUsualFormInOnePass) {
  WantedLines lines;
  ASSERT_TRUE(read_usual_order_body("{\"items\":[{\"productId\":\"" + id + "\",\"quantity\":12}]}", lines));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].product.value, 123'456'789);
  EXPECT_EQ(lines[0].quantity, 12);
}

TEST(OrderBody, ReadsOtherFormsOfTheSameTheSame) {
  const auto lines = read_order_body("{ \"items\" : [ {\"quantity\":2, \"productId\":\"" + id + "\"} ] }");
  ASSERT_TRUE(lines);
  EXPECT_EQ((*lines)[0].product.value, 123'456'789);
  EXPECT_EQ((*lines)[0].quantity, 2);
}

TEST(OrderBody, AQuantityMayBeWrittenInAnyForm) {
  for (const char* two : {"2.0", "2e0", "0.2e1"}) {
    const auto lines =
        read_order_body("{\"items\":[{\"productId\":\"" + id + "\",\"quantity\":" + two + "}]}");
    ASSERT_TRUE(lines) << two;
    EXPECT_EQ((*lines)[0].quantity, 2);
  }
}

TEST(OrderBody, RefusesWhatTheStrictReaderRefuses) {
  const auto refusal = [](const std::string& body) { return read_order_body(body).error().code; };
  const std::string item = "{\"productId\":\"" + id + "\",\"quantity\":";
  EXPECT_EQ(refusal("{\"items\":[" + item + "0}]}"), Code::validation);
  EXPECT_EQ(refusal("{\"items\":[" + item + "1001}]}"), Code::validation);
  EXPECT_EQ(refusal("{\"items\":[" + item + "1,\"price\":1}]}"), Code::validation);
  EXPECT_EQ(refusal("{\"items\":[]}"), Code::validation);
  EXPECT_EQ(refusal("{\"items\":[" + item + "1}]} x"), Code::invalid_json);
  EXPECT_EQ(refusal("{\"items\":[" + item + "01}]}"), Code::invalid_json);
}

TEST(OrderBody, AnIdThatCannotBeOneIsThatOfNoProduct) {
  const auto lines = read_order_body("{\"items\":[{\"productId\":\"nonsense\",\"quantity\":1}]}");
  ASSERT_TRUE(lines);
  EXPECT_FALSE((*lines)[0].product);
}

}  // namespace
}  // namespace market::wire
