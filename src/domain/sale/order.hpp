#pragma once
/// An order: a fold of its events. Immutable once published; a change makes a new value.

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/id.hpp"
#include "base/time.hpp"
#include "domain/sale/money.hpp"

namespace market {

enum class OrderState : std::uint8_t {
  accepted,
  paid,
  preparing,
  shipped,
  delivered,
  return_requested,
  returned,
  expired,
  cancelled,
};
enum class PaymentState : std::uint8_t { none, pending, paid, declined, refunding, refunded };
std::string_view text_of(OrderState state);
std::string_view text_of(PaymentState state);
std::optional<OrderState> parse_order_state(std::string_view text);

struct OrderLine {
  static constexpr std::int64_t quantity_max = 1000;
  ProductId product;
  std::int32_t quantity = 0;
  Money unit_price;         ///< The price when the units were taken, from the server.
  std::int64_t ticket = 0;  ///< 1, 2, 3 … per event product; 0: a regular product.
  friend bool operator==(const OrderLine&, const OrderLine&) = default;
};
inline constexpr std::size_t order_lines_max = 20;
using OrderLines = boost::container::small_vector<OrderLine, 1>;

/// The caller's Idempotency-Key, reduced: 128 bits of user and key, and 64 of the body it came with.
/// hi == lo == 0: the request had no key.
struct RequestKey {
  std::uint64_t hi = 0, lo = 0;
  friend auto operator<=>(const RequestKey&, const RequestKey&) = default;
  explicit operator bool() const { return (hi | lo) != 0; }
};
inline std::size_t hash_value(const RequestKey& key) {
  return static_cast<std::size_t>(key.lo);
}

struct StateChange {
  OrderState state;
  Instant at;
  friend bool operator==(const StateChange&, const StateChange&) = default;
};

struct Order {
  OrderId id;
  UserId user;
  OrderState state = OrderState::accepted;
  PaymentState payment = PaymentState::none;
  AttemptId attempt;  ///< The newest attempt to pay.
  Money total;
  Instant pay_by;
  Instant created_at;
  Instant updated_at;
  RequestKey key;
  std::uint64_t body_fingerprint = 0;
  OrderLines lines;
  boost::container::small_vector<StateChange, 2> history;
  friend bool operator==(const Order&, const Order&) = default;

  /// Whether a timer or the payment provider still has something to do with it; such orders stay in memory.
  bool has_open_work() const {
    return state == OrderState::accepted || payment == PaymentState::pending ||
           payment == PaymentState::refunding;
  }
};

}  // namespace market
