#pragma once
/// The tables of records.db.

#include <span>
#include <string>

#include "adapters/sqlite/sql_session.hpp"

namespace market::sqlite {

inline constexpr int records_application_id = 0x4D6B7452;  // "MktR", like the log's "MktL".
inline constexpr int records_first_schema = 2;
std::span<const Migration> record_migrations();

/// The condition of the index of orders that move by days: whoever wants it used writes it into a query.
inline constexpr auto in_delivery =
    "(state = 'paid' OR state = 'preparing' OR state = 'shipped' OR state = 'return_requested')";

/// Removes the file and SQLite's companions, so that it can be folded again from the log.
void remove_database_files(const std::string& path);

}  // namespace market::sqlite
