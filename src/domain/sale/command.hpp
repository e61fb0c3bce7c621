#pragma once
/// What the sale engine can be asked. Time and ids come in with the command; the engine has neither.

#include <cstdint>
#include <string>
#include <variant>

#include "domain/sale/order.hpp"
#include "domain/sale/product.hpp"

namespace market {

struct ListProduct {
  ProductId product;
  ProductTerms terms;
  std::int64_t stock = 0;
};
struct ChangeProduct {
  ProductId product;
  ProductTerms terms;
};
struct AdjustStock {
  ProductId product;
  std::int64_t delta = 0;
  std::string reason;
};

struct WantedLine {
  ProductId product;
  std::int32_t quantity = 0;
};
struct PlaceOrder {
  OrderId order;
  UserId user;
  RequestKey key;
  std::uint64_t body_fingerprint = 0;
  Millis payment_window{};
  boost::container::small_vector<WantedLine, 1> lines;
};
struct StartPayment {
  OrderId order;
  UserId user;
  AttemptId attempt;
};
enum class PaymentOutcome : std::uint8_t { captured, declined, refunded };
struct SettlePayment {
  OrderId order;
  AttemptId attempt;
  PaymentOutcome outcome = PaymentOutcome::captured;
};
struct CancelOrder {
  OrderId order;
  UserId user;
};
/// Asked by the gate's own timer. `attempt_bound`: an open payment attempt delays expiry until pay_by + this.
struct ExpireOrder {
  OrderId order;
  Millis attempt_bound{};
};
struct MoveOrder {
  OrderId order;
  UserId user;
  OrderState state = OrderState::preparing;
  std::string reason;
};
struct GrantGrace {
  Instant until;
};
struct OpenEpoch {
  std::int64_t epoch = 0;
};

using Command = std::variant<ListProduct, ChangeProduct, AdjustStock, PlaceOrder, StartPayment, SettlePayment,
                             CancelOrder, ExpireOrder, MoveOrder, GrantGrace, OpenEpoch>;

/// The order a command is about; none for orders yet to be placed and for products.
OrderId order_of(const Command& command);

}  // namespace market
