#include "domain/sale/event_kind.hpp"

namespace market {
namespace {

std::string kind_of_move(OrderState state) {
  switch (state) {
    case OrderState::preparing:
    case OrderState::shipped:
    case OrderState::delivered:
    case OrderState::return_requested:
    case OrderState::returned:
      return "order." + std::string(text_of(state));
    default:
      return {};
  }
}

}  // namespace

std::string order_kind_of(const Fact& fact) {
  if (std::holds_alternative<OrderAccepted>(fact)) return "order.accepted";
  if (std::holds_alternative<OrderPaid>(fact)) return "order.paid";
  if (const auto* declined = std::get_if<PaymentDeclined>(&fact))
    return declined->back_to ? "" : "order.payment_declined";
  if (std::holds_alternative<OrderVoided>(fact)) return "order.expired";
  if (std::holds_alternative<OrderCancelled>(fact)) return "order.cancelled";
  if (std::holds_alternative<RefundOwed>(fact)) return "order.refund_owed";
  if (std::holds_alternative<Refunded>(fact)) return "order.refunded";
  if (const auto* moved = std::get_if<OrderMoved>(&fact)) return kind_of_move(moved->state);
  return {};
}

}  // namespace market
