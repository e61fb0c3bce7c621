#pragma once
/// Money in minor units of one currency.

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace market {

/// ISO 4217 letters.
struct Currency {
  std::array<char, 3> letters{'K', 'R', 'W'};
  friend auto operator<=>(const Currency&, const Currency&) = default;
  std::string_view text() const { return {letters.data(), letters.size()}; }
  /// Errors: validation, unless three upper-case letters.
  static Result<Currency> parse(std::string_view text);
};

/// Invariant of prices: 0 <= amount <= amount_max, so that 20 lines of 1000 units never overflow.
struct Money {
  static constexpr std::int64_t amount_max = 1'000'000'000'000;
  std::int64_t amount = 0;
  Currency currency;
  friend auto operator<=>(const Money&, const Money&) = default;
};

}  // namespace market
