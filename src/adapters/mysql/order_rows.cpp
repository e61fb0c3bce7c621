#include "adapters/mysql/order_rows.hpp"

#include <fmt/format.h>

namespace market::mysql {
namespace {

void add_value(std::string& list, long long value) {
  fmt::format_to(std::back_inserter(list), "{}", value);
}
void add_value(std::string& list, const std::string& value) {
  list += quoted(value);
}
void read_value(const Row& row, std::size_t column, long long& value) {
  value = row.integer(column);
}
void read_value(const Row& row, std::size_t column, std::string& value) {
  value = row.text(column);
}

}  // namespace

std::string order_column_list(std::string_view prefix) {
  std::string list;
  for (const auto column : sql::order_columns)
    fmt::format_to(std::back_inserter(list), "{}{}`{}`", list.empty() ? "" : ", ", prefix, column);
  return list;
}

sql::OrderRow order_row_of(const Row& row, std::size_t first) {
  sql::OrderRow order;
  order.for_each([&](auto& member) { read_value(row, first++, member); });
  return order;
}

void add_values(std::string& list, const sql::OrderRow& row) {
  list += list.empty() ? "(" : ",(";
  bool first = true;
  auto copy = row;
  copy.for_each([&](const auto& member) {
    if (!std::exchange(first, false)) list += ',';
    add_value(list, member);
  });
  list += ')';
}

void put_orders(Session& session, const std::string& list) {
  static const std::string changes = [] {
    // Left to right, so that `place` is compared before it changes.
    std::string text;
    for (std::size_t i = 1; i < sql::order_columns.size(); ++i) {
      const auto column = sql::order_columns[i];
      fmt::format_to(std::back_inserter(text),
                     "{}`{}` = IF(VALUES(place) > orders.place, VALUES(`{}`), orders.`{}`)",
                     text.empty() ? "" : ", ", column, column, column);
    }
    return text;
  }();
  static_assert(sql::order_columns.back() == "place");
  if (list.empty()) return;
  session.execute(fmt::format("INSERT INTO orders({}) VALUES {} ON DUPLICATE KEY UPDATE {}",
                              order_column_list(""), list, changes));
}

}  // namespace market::mysql
