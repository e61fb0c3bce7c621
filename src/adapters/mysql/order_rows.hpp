#pragma once
/// Orders as rows of the table `orders` (adapters/sql/order_row.hpp), in bulk.

#include <span>

#include "adapters/mysql/session.hpp"
#include "adapters/sql/order_row.hpp"

namespace market::mysql {

/// The columns of `orders`, each with `prefix` before it, by comma.
std::string order_column_list(std::string_view prefix);
/// From the columns of order_column_list(), which begin at `first`.
sql::OrderRow order_row_of(const Row& row, std::size_t first);
/// One row as (value, …) is added to a list of them.
void add_values(std::string& list, const sql::OrderRow& row);
/// Stores rows; one whose place is not higher than the stored row's changes nothing.
void put_orders(Session& session, const std::string& list);

/// Statements stay below the server's max_allowed_packet, whose default is 16 MiB.
inline constexpr std::size_t statement_bytes_max = 1 << 20;

}  // namespace market::mysql
