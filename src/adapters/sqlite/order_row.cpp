#include "adapters/sqlite/order_row.hpp"

#include <fmt/format.h>

#include <span>

namespace market::sqlite {

OrderReader::OrderReader(soci::session& sql) : statement_(sql) {
  statement_.exchange(soci::use(wanted_));
  statement_.exchange(soci::into(as_of_));
  // Null where there is no such order.
  std::size_t column = 0;
  row_.for_each([&](auto& member) { statement_.exchange(soci::into(member, present_[column++])); });
  statement_.alloc();
  statement_.prepare(
      fmt::format("SELECT position.log_place, orders.{} FROM position LEFT JOIN orders ON orders.id = :id "
                  "WHERE position.only_row = 1",
                  fmt::join(order_columns, ", orders.")));
  statement_.define_and_bind();
}

bool OrderReader::read(OrderId id) {
  wanted_ = id.value;
  if (!read_one_row(statement_)) throw std::runtime_error("the records do not say how far they are");
  return present_.front() == soci::i_ok;
}

std::string OrderWriter::upsert_statement() {
  std::string changes;
  for (const auto column : std::span(order_columns).subspan(1))
    changes += fmt::format("{}{} = excluded.{}", changes.empty() ? "" : ", ", column, column);
  return fmt::format(
      "INSERT INTO orders({}) VALUES(:{}) ON CONFLICT(id) DO UPDATE SET {} WHERE excluded.place > "
      "orders.place",
      fmt::join(order_columns, ", "), fmt::join(order_columns, ", :"), changes);
}

void OrderWriter::write() {
  int column = 0;
  row_.for_each([&](const auto& member) { statement_.bind(++column, member); });
  statement_.run();
}

}  // namespace market::sqlite
