#include "adapters/sqlite/row_mac.hpp"

#include "adapters/sql/row_mac.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace market::sqlite {
namespace {

using namespace sqlite_api;

void row_mac(sqlite3_context* call, int count, sqlite3_value** values) try {
  const auto* cipher = static_cast<const FieldCipher*>(sqlite3_user_data(call));
  sql::RowValues row;
  for (int i = 0; i < count; ++i) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[i]));
    if (text == nullptr)
      row.emplace_back();
    else
      row.emplace_back(std::string(text, static_cast<std::size_t>(sqlite3_value_bytes(values[i]))));
  }
  const std::string mac = sql::row_mac(*cipher, row);
  sqlite3_result_text(call, mac.data(), static_cast<int>(mac.size()), SQLITE_TRANSIENT);
} catch (const std::exception& error) {
  sqlite3_result_error(call, error.what(), -1);
}

}  // namespace

void add_row_mac(soci::session& sql, const FieldCipher& cipher) {
  void* user = const_cast<FieldCipher*>(&cipher);  // NOLINT: row_mac() reads it alone.
  if (sqlite3_create_function_v2(handle_of(sql), "row_mac", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, user,
                                 row_mac, nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error("SQLite takes no function");
}

}  // namespace market::sqlite
