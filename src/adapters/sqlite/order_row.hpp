#pragma once
/// Orders as rows of records.db (adapters/sql/order_row.hpp): read and stored by prepared statements. Heavy
/// (includes SOCI), for .cpp files and tests.

#include <array>

#include "adapters/sql/order_row.hpp"
#include "adapters/sqlite/bulk_statement.hpp"
#include "adapters/sqlite/sql_session.hpp"

namespace market::sqlite {

using sql::order_columns;
using sql::order_of;
using sql::OrderRow;
using sql::write_row;

/// Finds orders by id, each with how far the records were when it was read: in one statement.
class OrderReader {
 public:
  explicit OrderReader(soci::session& sql);
  OrderReader(const OrderReader&) = delete;
  OrderReader& operator=(const OrderReader&) = delete;
  /// False: there is none. Errors: throws.
  bool read(OrderId id);
  Place as_of() const { return as_of_; }
  OrderRow& row() { return row_; }

 private:
  OrderRow row_;
  long long as_of_ = 0, wanted_ = 0;
  std::array<soci::indicator, order_columns.size()> present_{};
  soci::statement statement_;
};

/// Stores an order's row; one whose place is not higher than the stored row's changes nothing. Every order of
/// a rush comes this way: it is bound by SQLite's own calls, which take texts where they lie.
class OrderWriter {
 public:
  explicit OrderWriter(soci::session& sql) : statement_(sql, upsert_statement()) {}
  OrderRow& row() { return row_; }
  /// Stores row(). Errors: throws.
  void write();

 private:
  static std::string upsert_statement();
  OrderRow row_;
  BulkStatement statement_;
};

}  // namespace market::sqlite
