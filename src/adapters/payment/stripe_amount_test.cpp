#include "adapters/payment/stripe_amount.hpp"

#include <gtest/gtest.h>

namespace market::payment {
namespace {

std::optional<std::int64_t> sent(std::int64_t amount, std::string_view currency) {
  return amount_for_stripe(Money{amount, *Currency::parse(currency)});
}

TEST(StripeAmount, IsInMinorUnitsButForAFewCurrencies) {
  EXPECT_EQ(sent(15'000, "KRW"), 15'000);
  EXPECT_EQ(sent(1'999, "USD"), 1'999);
  EXPECT_EQ(sent(500, "ISK"), 50'000);
  EXPECT_EQ(sent(500, "UGX"), 50'000);
  EXPECT_EQ(sent(500, "MGA"), 5);
  EXPECT_EQ(sent(5'120, "KWD"), 5'120);
}

TEST(StripeAmount, SaysWhatStripeCannotTake) {
  EXPECT_FALSE(sent(501, "MGA"));
  EXPECT_FALSE(sent(5'124, "KWD"));
}

TEST(StripeAmount, ComesBackAsItWas) {
  for (const char* currency : {"KRW", "USD", "ISK", "UGX", "MGA", "KWD"}) {
    const Money money{7'700, *Currency::parse(currency)};
    EXPECT_EQ(amount_of_stripe(*amount_for_stripe(money), money.currency), money) << currency;
  }
}

}  // namespace
}  // namespace market::payment
