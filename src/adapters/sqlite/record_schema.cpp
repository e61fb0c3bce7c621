#include "adapters/sqlite/record_schema.hpp"

#include <filesystem>

namespace market::sqlite {
namespace {

const Migration version_1 = {
    // No second index, on purpose; times are milliseconds of UTC, money is in minor units.
    "CREATE TABLE orders("
    "id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, state TEXT NOT NULL, payment TEXT NOT NULL,"
    "attempt_id INTEGER NOT NULL, total INTEGER NOT NULL, currency TEXT NOT NULL, pay_by INTEGER NOT NULL,"
    "created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, key_hi INTEGER NOT NULL, key_lo INTEGER NOT "
    "NULL,"
    "body_fingerprint INTEGER NOT NULL, lines TEXT NOT NULL, history TEXT NOT NULL)",
    "CREATE TABLE user_orders("
    "segment INTEGER NOT NULL, user_id INTEGER NOT NULL, order_id INTEGER NOT NULL,"
    "PRIMARY KEY(segment, user_id, order_id)) WITHOUT ROWID",
    "CREATE TABLE segments(segment INTEGER PRIMARY KEY, low_id INTEGER NOT NULL, high_id INTEGER NOT NULL)",
    // Orders of the open segment whose ids are below those of closed ones, to find them at the next start.
    "CREATE TABLE late_orders(order_id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL)",
    "CREATE TABLE position(only_row INTEGER PRIMARY KEY CHECK(only_row = 1), log_position INTEGER NOT NULL)",
    "INSERT INTO position VALUES(1, 0)",
};
const Migration migrations[] = {version_1};

}  // namespace

std::span<const Migration> record_migrations() {
  return migrations;
}

void remove_database_files(const std::string& path) {
  for (const auto* ending : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path + ending);
}

}  // namespace market::sqlite
