#include "services/order/place_order.hpp"

#include <gtest/gtest.h>

namespace market::order {
namespace {

class StillClock final : public Clock {
 public:
  Instant now() const override { return Instant(Millis(1'000)); }
};

class OneProduct final : public LiveStock {
 public:
  const ListedProduct* find(ProductId id) const override { return id.value == 1 ? product.get() : nullptr; }
  bool recovering() const override { return recovers; }
  bool may_know(RequestKey) const override { return knows; }
  std::shared_ptr<ListedProduct> product = std::make_shared<ListedProduct>(
      ListedProduct{ProductTerms{}, std::make_shared<LiveProduct>(ProductId{1})});
  bool recovers = false, knows = false;
};

class NoGate final : public SaleGate {
 public:
  Task<Submitted> submit(Command) override { co_return Submitted{}; }
};

class RefuseEarly : public testing::Test {
 protected:
  RefuseEarly() {
    asked_.lines.push_back(WantedLine{ProductId{1}, 1});
    asked_.key = RequestKey{1, 2};
    live_.product->live->remaining = 5;
  }
  std::optional<Code> refusal() {
    const auto allowed = use_case_.refuse_early(asked_);
    return allowed ? std::nullopt : std::optional(allowed.error().code);
  }
  StillClock clock_;
  OneProduct live_;
  NoGate gate_;
  IdSource ids_{clock_, 0};
  PlaceOrderUseCase use_case_{gate_, live_, ids_, clock_};
  PlaceOrder asked_;
};

TEST_F(RefuseEarly, LetsTheGateDecideWhileUnitsAreLeft) {
  EXPECT_EQ(refusal(), std::nullopt);
}

TEST_F(RefuseEarly, RefusesWhatTheDurableNumbersRuleOut) {
  live_.product->terms.sale = Sale{Instant(Millis(1'001)), {}, {}};
  EXPECT_EQ(refusal(), Code::sale_not_open);
  live_.product->terms.sale = Sale{Instant(Millis(0)), Instant(Millis(1'000)), {}};
  EXPECT_EQ(refusal(), Code::sale_closed);
  live_.product->terms.sale.reset();
  live_.product->live->remaining = 0;
  EXPECT_EQ(refusal(), Code::sold_out);
  live_.product->terms.withdrawn = true;
  EXPECT_EQ(refusal(), Code::product_not_found);
  asked_.lines[0].product = ProductId{2};
  EXPECT_EQ(refusal(), Code::product_not_found);
}

TEST_F(RefuseEarly, AsksTheGateWhenTheKeyMayBeKnown) {
  live_.product->live->remaining = 0;
  live_.knows = true;
  EXPECT_EQ(refusal(), std::nullopt);
  live_.recovers = true;
  EXPECT_EQ(refusal(), Code::recovering);
}

}  // namespace
}  // namespace market::order
