#pragma once
/// Two gates on one log, of which the first writes, and a product of 100 units that is on sale.

#include <gtest/gtest.h>

#include "tests/support/gate_instance.hpp"
#include "tests/support/order_of_one.hpp"
#include "tests/support/wait.hpp"

namespace market::tests {

class TwoGates : public testing::Test {
 protected:
  void SetUp() override {
    a = std::make_unique<GateInstance>(memory, 1, link());
    ASSERT_TRUE(wait([&] { return a->gate().writes(); })) << "an empty log has no writer to wait for";
    b = std::make_unique<GateInstance>(memory, 2, link(), second_may_write);
    const auto listed = list(*a, 100);
    ASSERT_TRUE(listed) << listed.error().detail;
    product = listed->product();
    ASSERT_TRUE(wait([&] { return b->remaining(product) == 100; }));
  }
  static bool wait(const std::function<bool()>& happens) { return tests::wait(happens, Millis(8'000)); }

  Result<Submitted> list(GateInstance& at, std::int64_t stock) {
    ProductTerms terms;
    terms.price.amount = 1000;
    terms.kind = ProductKind::event;
    terms.sale = Sale{at.clock.now() - Millis(1), std::nullopt, per_user};
    return at.submit(ListProduct{terms, {"shoes", {}, {}, {}}, stock});
  }
  Command order_of(std::int64_t user, std::uint64_t key = 0, Millis window = Millis(600'000)) const {
    return order_of_one(product, user, key, window);
  }
  LinkNet* link() { return linked ? &net : nullptr; }

  // What a test's own constructor may change.
  bool second_may_write = true;
  bool linked = false;  ///< Each knows a way to the other.
  std::optional<std::int32_t> per_user;

  SharedMemory memory;
  LinkNet net;
  std::unique_ptr<GateInstance> a, b;
  ProductId product;
};

}  // namespace market::tests
