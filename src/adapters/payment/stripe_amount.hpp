#pragma once
/// Amounts as Stripe counts them: in minor units of ISO 4217, but for a few currencies
/// (https://docs.stripe.com/currencies).

#include <optional>

#include "domain/sale/money.hpp"

namespace market::payment {

/// None: Stripe cannot take just so much of this currency.
std::optional<std::int64_t> amount_for_stripe(const Money& money);
Money amount_of_stripe(std::int64_t amount, Currency currency);

}  // namespace market::payment
