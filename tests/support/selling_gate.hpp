#pragma once
/// A gate with one product that is made when a test asks for it.

#include <gtest/gtest.h>

#include "tests/support/test_gate.hpp"

namespace market::tests {

/// Of one unit, with a key of the user's.
inline Command order_with_key(ProductId product, std::int64_t user) {
  PlaceOrder place;
  place.user = UserId{user};
  place.payment_window = Millis(600'000);
  place.lines.push_back(WantedLine{product, 1});
  Command command = place;
  command.key = RequestKey{static_cast<std::uint64_t>(user), 5};
  command.fingerprint = 1;
  return command;
}

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
  Command order_of(std::int64_t user) const { return order_with_key(product, user); }
  std::int64_t remaining() const { return on->table().find(product)->live->remaining.load(); }

  std::unique_ptr<TestGate> on;
  ProductId product;
};

}  // namespace market::tests
