/// What follows the log shows what the log says, also of a commit of which nobody knew at first.
#include <gtest/gtest.h>

#include "tests/support/test_gate.hpp"

namespace market::sale {
namespace {

using Failure = MemoryLog::Failure;

TEST(GateFollowers, ThePriceThatIsShownIsChargedAlsoAfterAnUnknownCommitOfItsChange) {
  tests::TestGate on(tests::TestGate::quick());
  ProductTerms terms;
  terms.price.amount = 1'000;
  const auto listed = on.submit(ListProduct{terms, {"shoes", {}, {}, {}}, 9});
  ASSERT_TRUE(listed);
  const ProductId product = listed->product();
  std::int64_t version = 1, amount = 1'000;
  for (const auto failure : {Failure::unknown_stored, Failure::unknown_lost}) {
    terms.price.amount = amount + 500;
    on.log.fail_next(failure);
    const auto changed = on.submit(ChangeProduct{product, version, terms, {"shoes", {}, {}, {}}});
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, Code::unavailable);
    PlaceOrder place;
    place.user = UserId{1};
    place.payment_window = Millis(600'000);
    place.lines.push_back(WantedLine{product, 1});
    const auto sold = on.submit_until_it_writes(place);
    ASSERT_TRUE(sold && sold->event) << sold.error().detail;
    if (failure == Failure::unknown_stored) ++version, amount += 500;
    EXPECT_EQ(on.table().find(product)->terms.price.amount, amount);
    EXPECT_EQ(std::get<OrderAccepted>(sold->event->event.fact).lines[0].unit_price.amount, amount);
  }
}

}  // namespace
}  // namespace market::sale
