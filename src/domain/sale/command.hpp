#pragma once
/// What the sequencer can be asked. Time comes in with the command and ids are given by the sequencer;
/// decide() has neither clock nor randomness.

#include <cstdint>
#include <string>
#include <variant>

#include "domain/sale/event.hpp"

namespace market {

struct ListProduct {
  ProductTerms terms;
  ProductTexts texts;
  std::int64_t stock = 0;
};
struct ChangeProduct {
  ProductId product;
  std::int64_t based_on = 0;  ///< The version that the caller has seen.
  ProductTerms terms;
  ProductTexts texts;
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
  UserId user;
  Millis payment_window{};
  boost::container::small_vector<WantedLine, 1> lines;
};
struct StartPayment {
  OrderId order;
  UserId user;
};
enum class PaymentOutcome : std::uint8_t { captured, declined, refunded };
struct SettlePayment {
  OrderId order;
  AttemptId attempt;
  PaymentOutcome outcome = PaymentOutcome::captured;
  std::optional<PaymentState> back_to{};  ///< Of `declined`: as PaymentDeclined has it.
};
struct CancelOrder {
  OrderId order;
  UserId user;
  bool by_operator = false;  ///< Then whose order it is does not matter.
};
/// Asked by the sequencer's own timer.
struct ExpireOrder {
  OrderId order;
};
struct MoveOrder {
  OrderId order;
  UserId user;  ///< None: an operator or the calendar asks.
  OrderState state = OrderState::preparing;
  std::string reason;
};
/// An operator gives the money of a shipped order back; the buyer keeps what was sent.
struct RefundOrder {
  OrderId order;
};
struct GrantGrace {
  Instant until;
};

/// One of the copies that a gateway has made of a request: 128 random bits of the gateway's, and its number.
struct RequestCopy {
  RequestKey request;
  std::uint32_t number = 0;  ///< 1, 2 …; 0: there are no copies.
};

struct Command {
  using Body = std::variant<ListProduct, ChangeProduct, AdjustStock, PlaceOrder, StartPayment, SettlePayment,
                            CancelOrder, ExpireOrder, MoveOrder, GrantGrace, RefundOrder>;
  Command() = default;
  template <class What>
  requires std::is_constructible_v<Body, What> Command(What&& what) : body(std::forward<What>(what)) {}

  Body body;
  RequestKey key;
  std::uint64_t fingerprint = 0;
  RequestCopy copy;
  CommandId id;
};

/// The order a command is about; none for orders yet to be placed and for products.
inline OrderId order_of(const Command& command) {
  return std::visit(
      [](const auto& asked) {
        if constexpr (requires { asked.order; })
          return asked.order;
        else
          return OrderId{};
      },
      command.body);
}

inline bool is_about_product(const Command& command) {
  return std::holds_alternative<ListProduct>(command.body) ||
         std::holds_alternative<ChangeProduct>(command.body) ||
         std::holds_alternative<AdjustStock>(command.body);
}

}  // namespace market
