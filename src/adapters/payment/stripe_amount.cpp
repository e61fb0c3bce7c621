#include "adapters/payment/stripe_amount.hpp"

namespace market::payment {
namespace {

/// They have no minor unit, and Stripe counts hundredths of them.
bool counts_hundredths(Currency currency) {
  return currency.text() == "ISK" || currency.text() == "UGX";
}

/// It has one that is no hundredth, and Stripe counts whole ones.
bool counts_whole(Currency currency) {
  return currency.text() == "MGA";
}

}  // namespace

std::optional<std::int64_t> amount_for_stripe(const Money& money) {
  if (counts_hundredths(money.currency)) return money.amount * 100;
  if (counts_whole(money.currency)) {
    if (money.amount % 100 != 0) return std::nullopt;
    return money.amount / 100;
  }
  // Cards move hundredths of what has thousandths.
  if (money.currency.minor_digits() == 3 && money.amount % 10 != 0) return std::nullopt;
  return money.amount;
}

Money amount_of_stripe(std::int64_t amount, Currency currency) {
  if (counts_hundredths(currency)) return {amount / 100, currency};
  if (counts_whole(currency)) return {amount * 100, currency};
  return {amount, currency};
}

}  // namespace market::payment
