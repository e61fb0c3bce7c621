#pragma once
/// What became of the orders of one product: by state, and over time.

#include <array>
#include <map>

#include "domain/sale/order.hpp"
#include "domain/sale/timeline.hpp"

namespace market {

struct OrderCounts {
  /// In minor units, each currency for itself: a product's price may have had another before.
  using Amounts = std::map<Currency, std::int64_t>;
  struct Count {
    std::int64_t orders = 0, units = 0;
    Amounts amounts;  ///< Price of the units, paid or not, but for what goes back.
  };
  std::array<Count, static_cast<std::size_t>(OrderState::cancelled) + 1> by_state{};
  Amounts refunded;  ///< Money that went back or is on its way back, of whatever state.
  Timeline timeline;
  std::optional<Instant> first, last;  ///< When an order was accepted.

  /// An order without the product counts for nothing.
  void add(const Order& order, ProductId product);
};

}  // namespace market
