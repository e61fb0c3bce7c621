#include "services/order/order_mail.hpp"

#include <fmt/format.h>

namespace market::order {
namespace {

struct Words {
  std::string_view subject_ko, subject_en, text_ko, text_en;
};

std::optional<Words> words_of(std::string_view kind) {
  static const std::pair<std::string_view, Words> all[] = {
      {"order.accepted",
       {"주문이 접수되었습니다", "We have your order",
        "{pay_by}까지 결제해 주세요. 그때까지 결제되지 않으면 주문이 취소됩니다.",
        "Please pay until {pay_by}; an order that is not paid by then ends."}},
      {"order.paid",
       {"결제가 완료되었습니다", "Your order is paid", "결제를 확인했습니다. 곧 배송을 준비합니다.",
        "We have your payment and will prepare your order soon."}},
      {"order.payment_declined",
       {"결제가 승인되지 않았습니다", "Your payment was declined",
        "결제되지 않았습니다. {pay_by}까지 다른 방법으로 결제할 수 있습니다.",
        "No money was taken. You can pay another way until {pay_by}."}},
      {"order.payment_declined_late",
       {"결제가 승인되지 않았습니다", "Your payment was declined", "결제되지 않았습니다.",
        "No money was taken."}},
      {"order.shipped",
       {"상품이 발송되었습니다", "Your order is on its way", "상품이 발송되었습니다.",
        "Your order has been shipped."}},
      {"order.delivered",
       {"상품이 배송되었습니다", "Your order was delivered",
        "상품이 배송되었습니다. 하루 안에 반품을 요청할 수 있습니다.",
        "Your order was delivered. You can ask for a return within a day."}},
      {"order.return_requested",
       {"반품 요청이 접수되었습니다", "We have your request for a return", "반품 요청을 확인했습니다.",
        "We have your request for a return."}},
      {"order.returned",
       {"반품이 완료되었습니다", "Your return is complete", "반품이 완료되어 결제 금액을 환불합니다.",
        "Your return is complete; your money is on its way back."}},
      {"order.expired",
       {"결제 기한이 지나 주문이 취소되었습니다", "Your order has ended",
        "결제 기한이 지나 주문이 취소되었습니다.", "Your order was not paid in time and has ended."}},
      {"order.cancelled",
       {"주문이 취소되었습니다", "Your order is cancelled", "주문이 취소되었습니다.",
        "Your order is cancelled."}},
      {"order.refund_owed",
       {"늦은 결제를 환불합니다", "Your late payment will be refunded",
        "결제가 늦게 도착했고 남은 상품이 없어 금액을 환불합니다.",
        "Your payment came too late and nothing was left; your money is on its way back."}},
      {"order.refund_begun",
       {"결제 금액을 환불합니다", "Your money is on its way back", "주문하신 상품의 결제 금액을 환불합니다.",
        "We are refunding your order; your money is on its way back."}},
      {"order.refunded",
       {"환불이 완료되었습니다", "Your money was refunded", "결제 금액을 환불했습니다.",
        "We have refunded your payment."}},
  };
  for (const auto& [name, words] : all)
    if (name == kind) return words;
  return std::nullopt;
}

/// In Korea, where this shop's buyers are.
std::string local_time(Instant at) {
  const std::string text = format_rfc3339(at + std::chrono::hours(9));
  return fmt::format("{} {} KST", text.substr(0, 10), text.substr(11, 5));
}

std::string money(const Money& amount) {
  const int digits = amount.currency.minor_digits().value_or(0);
  std::int64_t unit = 1;
  for (int i = 0; i < digits; ++i) unit *= 10;
  const std::string fraction =
      digits > 0 ? fmt::format(".{:0{}}", amount.amount % unit, digits) : std::string();
  return fmt::format("{}{} {}", amount.amount / unit, fraction, amount.currency.text());
}

std::string filled(std::string_view text, const Order& order) {
  std::string out(text);
  constexpr std::string_view mark = "{pay_by}";
  if (const auto at = out.find(mark); at != std::string::npos)
    out.replace(at, mark.size(), local_time(order.pay_by));
  return out;
}

/// The words for an event: they depend on more than its kind. None: nothing is said.
std::optional<Words> words_about(const Event& event, const Order& order, std::string_view kind) {
  if (const auto* owed = std::get_if<RefundOwed>(&event.fact); owed && holds_units(owed->state))
    return words_of("order.refund_begun");
  if (!std::holds_alternative<PaymentDeclined>(event.fact) || event.at < order.pay_by) return words_of(kind);
  // It became known late. Once the order has ended there is nothing left to say: its end was told.
  for (const StateChange& change : order.history)
    if (change.state == OrderState::expired && change.at <= event.at) return std::nullopt;
  return words_of("order.payment_declined_late");
}

}  // namespace

std::optional<OrderMail> mail_about(const Event& event, const Order& order, const std::string& buyer,
                                    const NameOf& name_of) {
  std::string kind = order_kind_of(event.fact);
  const auto words = words_about(event, order, kind);
  if (!words) return std::nullopt;
  OrderMail mail;
  mail.kind = std::move(kind);
  mail.subject = fmt::format("{} / {} ({})", words->subject_ko, words->subject_en, order.id.text());
  mail.text =
      fmt::format("{} 님, 안녕하세요.\n{}\n\nDear {},\n{}\n\n{}\n", buyer, filled(words->text_ko, order),
                  buyer, filled(words->text_en, order), order.id.text());
  for (const OrderLine& line : order.lines)
    mail.text += fmt::format("{} x {} ({}){}\n", line.quantity, name_of(line.product, line.version),
                             money(line.unit_price),
                             line.ticket != 0 ? fmt::format(", No. {}", line.ticket) : std::string());
  mail.text += fmt::format("합계 / Total: {}\n", money(order.total));
  return mail;
}

}  // namespace market::order
