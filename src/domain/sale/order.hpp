#pragma once
/// An order: a fold of its events (fold_order.hpp). This is the whole order, as pages show it; the sequencer
/// keeps a compact row of open ones alone (open_orders.hpp).

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
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
std::optional<PaymentState> parse_payment_state(std::string_view text);

struct OrderLine {
  static constexpr std::int64_t quantity_max = 1000;
  ProductId product;
  std::int64_t version = 1;  ///< Of the product, when it was bought: its name then is the order's.
  std::int32_t quantity = 0;
  Money unit_price;         ///< The price when the units were taken, from the server.
  std::int64_t ticket = 0;  ///< 1, 2, 3 … per event product; 0: a regular product.
  friend bool operator==(const OrderLine&, const OrderLine&) = default;
};
inline constexpr std::size_t order_lines_max = 20;
using OrderLines = boost::container::small_vector<OrderLine, 1>;

/// The caller's Idempotency-Key, reduced: 128 bits of user and key.
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

/// Place in the log: 1, 2, 3 … over all events that count; 0 is before the first event.
using Place = std::int64_t;

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
  OrderLines lines;
  boost::container::small_vector<StateChange, 2> history;
  Place place = 0;  ///< Of the last event in it: an event at or below it changes nothing.
  friend bool operator==(const Order&, const Order&) = default;
};
using OrderPtr = std::shared_ptr<const Order>;

/// Whether an order may go from one state to the other, whoever asks.
bool may_follow(OrderState from, OrderState to);

/// Whether a timer or the payment provider still has something to do with an order.
inline bool has_open_work(OrderState state, PaymentState payment) {
  return state == OrderState::accepted || payment == PaymentState::pending ||
         payment == PaymentState::refunding;
}
/// Whether its units are taken from the stock.
inline bool holds_units(OrderState state) {
  return state != OrderState::expired && state != OrderState::cancelled && state != OrderState::returned;
}

}  // namespace market
