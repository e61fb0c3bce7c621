#include "wire/json/order_view.hpp"

#include <charconv>

#include "wire/json/json.hpp"

namespace market::wire {

namespace {
void append_id(std::string& out, std::int64_t id) {
  char text[id_length];
  format_id_to(id, text);
  out.append(text, id_length);
}
}  // namespace

void append_time(std::string& out, Instant at) {
  char text[rfc3339_length + 2];
  text[0] = text[rfc3339_length + 1] = '"';
  format_rfc3339_to(at, text + 1);
  out.append(text, sizeof text);
}

void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_money(std::string& out, const Money& money) {
  out += "{\"amount\":";
  append_number(out, money.amount);
  out += ",\"currency\":\"";
  out += money.currency.text();
  out += "\"}";
}

void append_order_head(std::string& out, const Order& order) {
  out += "{\"id\":\"";
  append_id(out, order.id.value);
  out += "\",\"state\":\"";
  out += text_of(order.state);
  out += "\",\"items\":[";
}

void append_order_line(std::string& out, const OrderLine& line, std::string_view name) {
  out += "{\"productId\":\"";
  append_id(out, line.product.value);
  out += "\",\"name\":";
  append_json_string(out, name);
  out += ",\"quantity\":";
  append_number(out, line.quantity);
  out += ",\"unitPrice\":";
  append_money(out, line.unit_price);
  out += ",\"ticket\":";
  if (line.ticket == 0)
    out += "null";
  else
    append_number(out, line.ticket);
  out += '}';
}

void append_order_tail(std::string& out, const Order& order) {
  out += "],\"total\":";
  append_money(out, order.total);
  out += ",\"payBy\":";
  append_time(out, order.pay_by);
  out += ",\"payment\":{\"state\":\"";
  out += text_of(order.payment);
  out += "\"},\"createdAt\":";
  append_time(out, order.created_at);
  out += ",\"updatedAt\":";
  append_time(out, order.updated_at);
  out += ",\"history\":[";
  bool first = true;
  for (const auto& change : order.history) {
    out += first ? "{\"state\":\"" : ",{\"state\":\"";
    first = false;
    out += text_of(change.state);
    out += "\",\"at\":";
    append_time(out, change.at);
    out += '}';
  }
  out += "]}";
}

}  // namespace market::wire
