#pragma once
/// An order as one row of SQL: plain columns for what people ask about, compact JSON for lines and history.
///
///   lines    [[product, quantity, unit price, ticket], ...]   a fifth member names a currency that differs
///   history  [["accepted", milliseconds], ["paid", milliseconds], ...]

#include <string>

#include "domain/sale/sale_engine.hpp"

namespace market::sqlite {

struct OrderRow {
  long long id = 0, user_id = 0;
  std::string state, payment;
  long long attempt_id = 0, total = 0;
  std::string currency;
  long long pay_by = 0, created_at = 0, updated_at = 0, key_hi = 0, key_lo = 0, body_fingerprint = 0;
  std::string lines, history;
};

/// In the order of the table and of OrderRow.
inline constexpr std::string_view order_columns =
    "id,user_id,state,payment,attempt_id,total,currency,pay_by,created_at,updated_at,key_hi,key_lo,"
    "body_fingerprint,lines,history";

/// Fills every member; a row that is filled again keeps its memory.
void write_row(const Order& order, OrderRow& row);
/// Errors: unavailable, when the row is damaged.
Result<OrderPtr> order_of(const OrderRow& row);

}  // namespace market::sqlite
