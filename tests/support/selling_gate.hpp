#pragma once
/// A gate with one product that is made when a test asks for it.

#include <gtest/gtest.h>

#include "tests/support/order_of_one.hpp"
#include "tests/support/test_gate.hpp"

namespace market::tests {

class SellingGate : public testing::Test {
 protected:
  void make(const sale::GateSettings& settings = TestGate::quick()) {
    on = std::make_unique<TestGate>(settings);
    ProductTerms terms;
    terms.price.amount = 1000;
    const auto listed = on->submit(ListProduct{terms, {"shoes", {}, {}, {}}, 100});
    ASSERT_TRUE(listed) << listed.error().detail;
    product = listed->product();
  }
  Command order_of(std::int64_t user) const { return order_of_one(product, user, 5); }
  std::int64_t remaining() const { return on->table().find(product)->live->remaining.load(); }

  std::unique_ptr<TestGate> on;
  ProductId product;
};

}  // namespace market::tests
