#pragma once
/// Every fact of a sale. The log of these is the truth; all else is a fold of it. No personal data, only ids.

#include <cstdint>
#include <string>
#include <variant>

#include "domain/sale/order.hpp"
#include "domain/sale/product.hpp"

namespace market {

/// Place in the log: 1, 2, 3 …; 0 is before the first event.
using Position = std::int64_t;

struct ProductListed {
  ProductId product;
  ProductTerms terms;
  std::int64_t stock = 0;
};
struct ProductChanged {
  ProductId product;
  ProductTerms terms;
};  ///< The new terms, whole (withdrawal too).
struct StockAdjusted {
  ProductId product;
  std::int64_t delta = 0;
  std::string reason;
};
/// The units are taken and the order exists. `order.history`, `state`… are those of a new order.
struct OrderAccepted {
  Order order;
};
/// Units of one product that an event takes or gives back. Events carry what they move, so that stock and
/// limits fold without the order.
struct MovedUnits {
  ProductId product;
  std::int32_t quantity = 0;
};
using Units = boost::container::small_vector<MovedUnits, 1>;

enum class VoidReason : std::uint8_t { unpaid, hold_expired };
/// -> expired; units and limit go back.
struct OrderVoided {
  OrderId order;
  UserId user;
  Units units;
  VoidReason reason = VoidReason::unpaid;
};
struct PaymentStarted {
  OrderId order;
  AttemptId attempt;
};
/// The provider took the money. `retaken`: it came after the order expired and the units were taken again,
/// with these fresh tickets, one per line.
struct OrderPaid {
  OrderId order;
  UserId user;
  AttemptId attempt;
  bool retaken = false;
  Units units;  ///< Empty unless retaken.
  boost::container::small_vector<std::int64_t, 1> tickets;
};
struct PaymentDeclined {
  OrderId order;
  AttemptId attempt;
};
/// Money that came for an order that can no longer be paid: it is owed back. -> payment refunding.
struct RefundOwed {
  OrderId order;
  AttemptId attempt;
};
struct Refunded {
  OrderId order;
  AttemptId attempt;
};
/// -> cancelled; units and limit go back; payment becomes refunding when it was paid.
struct OrderCancelled {
  OrderId order;
  UserId user;
  Units units;
};
/// preparing, shipped, delivered, return_requested (reason), returned (units go back, the limit does not).
struct OrderMoved {
  OrderId order;
  OrderState state = OrderState::preparing;
  Units units;  ///< Of `returned`.
  std::string reason;
};
/// After a downtime, unpaid orders may be paid until at least this moment (orders.restart_grace).
struct GraceGranted {
  Instant until;
};
struct EpochOpened {
  std::int64_t epoch = 0;
};

using Fact = std::variant<ProductListed, ProductChanged, StockAdjusted, OrderAccepted, OrderVoided,
                          PaymentStarted, OrderPaid, PaymentDeclined, RefundOwed, Refunded, OrderCancelled,
                          OrderMoved, GraceGranted, EpochOpened>;

/// One entry of the log.
struct Event {
  Instant at;
  std::int64_t epoch = 0;
  Fact fact;
};

}  // namespace market
