#pragma once
/// Money in minor units of one currency.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
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
  /// How many digits its minor unit has: 0 for KRW, 2 for USD. nullopt: no active currency of ISO 4217;
  /// funds, metals and test codes are none.
  std::optional<int> minor_digits() const;
};

/// Invariant of prices: 0 <= amount <= amount_max, so that 20 lines of 1000 units never overflow.
struct Money {
  static constexpr std::int64_t amount_max = 1'000'000'000'000;
  std::int64_t amount = 0;
  Currency currency;
  friend auto operator<=>(const Money&, const Money&) = default;
};

}  // namespace market
