#include "services/order/order_export.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace market::order {
namespace {

/// What a spreadsheet may take for a formula; some read marks of full width as plain ones.
bool begins_formula(std::string_view text) {
  constexpr std::string_view blanks[] = {" ", "\xC2\xA0", "\xE3\x80\x80"};
  for (bool more = true; more;) {
    more = false;
    for (const auto blank : blanks)
      if (text.starts_with(blank)) {
        text.remove_prefix(blank.size());
        more = true;
      }
  }
  constexpr std::string_view marks[] = {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"};
  return std::any_of(std::begin(marks), std::end(marks), [&](auto mark) { return text.starts_with(mark); });
}

}  // namespace

std::string csv_head() {
  return "order_id,user_id,state,payment,created_at,updated_at,product_id,name,quantity,unit_price,currency,"
         "ticket,order_total\r\n";
}

void append_csv_text(std::string& out, std::string_view text) {
  out += '"';
  if (begins_formula(text)) out += '\'';
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
