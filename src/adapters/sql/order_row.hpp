#pragma once
/// An order as one row of SQL, the same on every database: plain columns for what people ask about, compact
/// JSON for lines and history.
///
///   lines    [[product, version, quantity, unit price, ticket], ...]   a sixth names a currency that differs
///   history  [["accepted", milliseconds], ["paid", milliseconds], ...]

#include <array>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/sale/order.hpp"

namespace market::sql {

struct OrderRow {
  long long id = 0, user_id = 0;
  std::string state, payment;
  long long attempt_id = 0, total = 0;
  std::string currency;
  long long pay_by = 0, created_at = 0, updated_at = 0, key_hi = 0, key_lo = 0, fingerprint = 0;
  std::string lines, history;
  long long place = 0;

  /// Calls `each` with every member in the order of order_columns.
  template <class Each>
  void for_each(Each each) {
    each(id), each(user_id), each(state), each(payment), each(attempt_id), each(total), each(currency);
    each(pay_by), each(created_at), each(updated_at), each(key_hi), each(key_lo), each(fingerprint);
    each(lines), each(history), each(place);
  }
};
inline constexpr std::array<std::string_view, 16> order_columns{
    "id",         "user_id",    "state",  "payment", "attempt_id",  "total", "currency", "pay_by",
    "created_at", "updated_at", "key_hi", "key_lo",  "fingerprint", "lines", "history",  "place"};

/// Fills every member but the key; a row that is filled again keeps its memory.
void write_row(const Order& order, OrderRow& row);
/// Errors: unavailable, when the row is damaged.
Result<OrderPtr> order_of(const OrderRow& row);

}  // namespace market::sql
