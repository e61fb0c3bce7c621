#pragma once
/// An order as clients see it (API.md).

#include <string>
#include <string_view>

#include "domain/sale/order.hpp"

namespace market::wire {

/// Appends a time as a JSON string.
void append_time(std::string& out, Instant at);
void append_number(std::string& out, std::int64_t number);
void append_money(std::string& out, const Money& money);
/// As a value of a JsonWriter.
inline auto json_of(Money money) {
  return [money](std::string& out) { append_money(out, money); };
}

/// `name_of(ProductId, version)` gives the name that a product had then, valid until it is called again.
template <class NameOf>
void append_order(std::string& out, const Order& order, const NameOf& name_of);

void append_order_head(std::string& out, const Order& order);
void append_order_line(std::string& out, const OrderLine& line, std::string_view name);
void append_order_tail(std::string& out, const Order& order);

template <class NameOf>
void append_order(std::string& out, const Order& order, const NameOf& name_of) {
  out.reserve(out.size() + 480 + 160 * order.lines.size());
  append_order_head(out, order);
  bool first = true;
  for (const auto& line : order.lines) {
    if (!first) out += ',';
    first = false;
    append_order_line(out, line, name_of(line.product, line.version));
  }
  append_order_tail(out, order);
}

}  // namespace market::wire
