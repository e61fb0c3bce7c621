#pragma once
/// The tables of records.db.

#include <string>

#include "adapters/sqlite/sql_session.hpp"

namespace market::sqlite {

extern const Schema records_schema;

/// The condition of the index of orders that move by days: whoever wants it used writes it into a query.
inline constexpr auto in_delivery =
    "(state = 'paid' OR state = 'preparing' OR state = 'shipped' OR state = 'return_requested')";

/// Removes the file and SQLite's companions, so that it can be folded again from the log.
void remove_database_files(const std::string& path);

}  // namespace market::sqlite
