#include "services/order/order_export.hpp"

#include <fmt/format.h>

namespace market::order {

std::string csv_head() {
  return "order_id,user_id,state,payment,created_at,updated_at,product_id,name,quantity,unit_price,currency,"
         "ticket,order_total\r\n";
}

void append_csv_text(std::string& out, std::string_view text) {
  out += '"';
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_csv(std::string& out, const Order& order, const ProductBoard& board) {
  for (const OrderLine& line : order.lines) {
    out += fmt::format("{},{},{},{},{},{},{},", order.id.text(), order.user.text(), text_of(order.state),
                       text_of(order.payment), format_rfc3339(order.created_at),
                       format_rfc3339(order.updated_at), line.product.text());
    append_csv_text(out, board.name_of(line.product, line.version));
    out += fmt::format(",{},{},{},", line.quantity, line.unit_price.amount, line.unit_price.currency.text());
    if (line.ticket != 0) out += std::to_string(line.ticket);
    out += fmt::format(",{}\r\n", order.total.amount);
  }
}

}  // namespace market::order
