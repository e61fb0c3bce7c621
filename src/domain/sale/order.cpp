#include "domain/sale/order.hpp"

namespace market {

std::string_view text_of(OrderState state) {
  switch (state) {
    case OrderState::accepted:
      return "accepted";
    case OrderState::paid:
      return "paid";
    case OrderState::preparing:
      return "preparing";
    case OrderState::shipped:
      return "shipped";
    case OrderState::delivered:
      return "delivered";
    case OrderState::return_requested:
      return "return_requested";
    case OrderState::returned:
      return "returned";
    case OrderState::expired:
      return "expired";
    case OrderState::cancelled:
      return "cancelled";
  }
  return "accepted";
}

std::string_view text_of(PaymentState state) {
  switch (state) {
    case PaymentState::none:
      return "none";
    case PaymentState::pending:
      return "pending";
    case PaymentState::paid:
      return "paid";
    case PaymentState::declined:
      return "declined";
    case PaymentState::refunding:
      return "refunding";
    case PaymentState::refunded:
      return "refunded";
  }
  return "none";
}

bool may_follow(OrderState from, OrderState to) {
  using enum OrderState;
  switch (to) {
    case accepted:
      return false;
    case paid:
      return from == accepted || from == expired;
    case preparing:
      return from == paid;
    case shipped:
      return from == preparing;
    case delivered:
      return from == shipped;
    case return_requested:
      return from == delivered;
    case returned:
      return from == return_requested;
    case expired:
      return from == accepted;
    case cancelled:
      return from == accepted || from == paid || from == preparing;
  }
  return false;
}

std::optional<OrderState> parse_order_state(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(OrderState::cancelled); ++i)
    if (text == text_of(static_cast<OrderState>(i))) return static_cast<OrderState>(i);
  return std::nullopt;
}

std::optional<PaymentState> parse_payment_state(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(PaymentState::refunded); ++i)
    if (text == text_of(static_cast<PaymentState>(i))) return static_cast<PaymentState>(i);
  return std::nullopt;
}

}  // namespace market
