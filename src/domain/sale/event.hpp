#pragma once
/// Every fact of a sale. The log of these is the truth; all else is a fold of it. No personal data, only ids.
/// A fact carries what it moves and about whom, so that stock, limits and open work fold without looking up
/// an order anywhere.

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "domain/sale/order.hpp"
#include "domain/sale/product.hpp"

namespace market {

struct ProductListed {
  ProductId product;
  ProductTerms terms;
  ProductTexts texts;
  std::int64_t stock = 0;
  friend bool operator==(const ProductListed&, const ProductListed&) = default;
};
/// The new terms and texts, whole (withdrawal and a new picture too).
struct ProductChanged {
  ProductId product;
  std::int64_t version = 0;
  ProductTerms terms;
  ProductTexts texts;
  friend bool operator==(const ProductChanged&, const ProductChanged&) = default;
};
struct StockAdjusted {
  ProductId product;
  std::int64_t delta = 0;
  std::string reason;
  friend bool operator==(const StockAdjusted&, const StockAdjusted&) = default;
};
/// The units are taken and the order exists; it was made when the event was.
struct OrderAccepted {
  OrderId order;
  UserId user;
  Instant pay_by;
  Money total;
  OrderLines lines;
  friend bool operator==(const OrderAccepted&, const OrderAccepted&) = default;
};
/// Units of one product that an event takes or gives back.
struct MovedUnits {
  ProductId product;
  std::int32_t quantity = 0;
  friend bool operator==(const MovedUnits&, const MovedUnits&) = default;
};
using Units = boost::container::small_vector<MovedUnits, 1>;

enum class VoidReason : std::uint8_t { unpaid, hold_expired };
/// -> expired; units and limit go back. `attempt`: a payment that is still open stays so.
struct OrderVoided {
  OrderId order;
  UserId user;
  AttemptId attempt;
  Units units;
  VoidReason reason = VoidReason::unpaid;
  friend bool operator==(const OrderVoided&, const OrderVoided&) = default;
};
struct PaymentStarted {
  OrderId order;
  UserId user;
  AttemptId attempt;
  friend bool operator==(const PaymentStarted&, const PaymentStarted&) = default;
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
  friend bool operator==(const OrderPaid&, const OrderPaid&) = default;
};
/// The card was declined; or, with `back_to`, nobody was asked for money and none will move (the provider was
/// not reached, or can never take this): payment is what it was before the attempt, and buyers hear of none.
struct PaymentDeclined {
  OrderId order;
  UserId user;
  AttemptId attempt;
  std::optional<PaymentState> back_to{};  ///< none or declined.
  PaymentState after() const { return back_to.value_or(PaymentState::declined); }
  friend bool operator==(const PaymentDeclined&, const PaymentDeclined&) = default;
};
/// Money that is owed back while the order stays what it is: it came too late, or an operator refunds what
/// was shipped. -> payment refunding.
struct RefundOwed {
  OrderId order;
  UserId user;
  AttemptId attempt;
  OrderState state = OrderState::expired;  ///< Of the order: expired, cancelled, or shipped and what follows.
  friend bool operator==(const RefundOwed&, const RefundOwed&) = default;
};
struct Refunded {
  OrderId order;
  UserId user;
  AttemptId attempt;
  friend bool operator==(const Refunded&, const Refunded&) = default;
};
/// -> cancelled; units and limit go back.
struct OrderCancelled {
  OrderId order;
  UserId user;
  AttemptId refund;  ///< The attempt that paid it: its money is owed back; none: it was not paid.
  Units units;
  friend bool operator==(const OrderCancelled&, const OrderCancelled&) = default;
};
/// preparing, shipped, delivered, return_requested (reason), returned (units go back, the limit does not).
struct OrderMoved {
  OrderId order;
  UserId user;
  OrderState state = OrderState::preparing;
  AttemptId refund;  ///< Of `returned`: the attempt whose money is owed back.
  Units units;
  std::string reason;
  AttemptId attempt{};  ///< That paid it: who had forgotten the order must know what a cancel would owe.
  friend bool operator==(const OrderMoved&, const OrderMoved&) = default;
};
/// After a pause, unpaid orders may be paid until at least this moment (orders.restart_grace).
struct GraceGranted {
  Instant until;
  friend bool operator==(const GraceGranted&, const GraceGranted&) = default;
};
/// A request of which a gateway has sent copies was refused: no other copy of it may become an order.
struct Refused {
  RequestKey request;  ///< The gateway's 128 random bits, scoped to the user.
  Code code = Code::sold_out;
  Instant until;  ///< When it may be forgotten.
  friend bool operator==(const Refused&, const Refused&) = default;
};
/// Changes nothing and takes a place: what is read back behind it is no older than its sending.
struct Barrier {
  friend bool operator==(const Barrier&, const Barrier&) = default;
};

/// The kind byte in the log is the place in this list: never reordered, only appended to.
using Fact = std::variant<ProductListed, ProductChanged, StockAdjusted, OrderAccepted, OrderVoided,
                          PaymentStarted, OrderPaid, PaymentDeclined, RefundOwed, Refunded, OrderCancelled,
                          OrderMoved, GraceGranted, Refused, Barrier>;

/// Which log: 128 random bits of its making, and a number that rises when it is adopted or restored.
struct LogId {
  std::uint64_t hi = 0, lo = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const LogId&, const LogId&) = default;
  explicit operator bool() const { return (hi | lo) != 0; }
  /// Of whatever generation.
  bool is_same_log(const LogId& other) const { return hi == other.hi && lo == other.lo; }
};

/// Which command an event answers: the session of a process (its start) and the number in it.
struct CommandId {
  std::uint64_t session_hi = 0, session_lo = 0;
  std::uint64_t number = 0;
  explicit operator bool() const { return number != 0; }
  friend auto operator<=>(const CommandId&, const CommandId&) = default;
};

struct Event {
  Instant at;
  RequestKey key;                 ///< Bound by this event; none: the command had none.
  std::uint64_t fingerprint = 0;  ///< Of method, path and body that came with the key.
  CommandId command;              ///< None: the sequencer's own.
  Fact fact;
  friend bool operator==(const Event&, const Event&) = default;
};

/// An event that counts, and where.
struct CountedEvent {
  Place place = 0;
  Event event;
  friend bool operator==(const CountedEvent&, const CountedEvent&) = default;
};
/// Those of one group, shared by all that follow the log.
using CountedEvents = std::shared_ptr<const std::vector<CountedEvent>>;

/// The order a fact is about; none for products and the like.
inline OrderId order_of(const Fact& fact) {
  return std::visit(
      [](const auto& which) {
        if constexpr (requires { which.order; })
          return which.order;
        else
          return OrderId{};
      },
      fact);
}
inline UserId user_of(const Fact& fact) {
  return std::visit(
      [](const auto& which) {
        if constexpr (requires { which.user; })
          return which.user;
        else
          return UserId{};
      },
      fact);
}
/// The product a fact is about; none for orders.
inline ProductId product_of(const Fact& fact) {
  return std::visit(
      [](const auto& which) {
        if constexpr (requires { which.product; })
          return which.product;
        else
          return ProductId{};
      },
      fact);
}
/// The id of what a fact is about: a product's, else an order's; 0: of nothing.
inline std::int64_t subject_of(const Fact& fact) {
  const ProductId product = product_of(fact);
  return product ? product.value : order_of(fact).value;
}

}  // namespace market
