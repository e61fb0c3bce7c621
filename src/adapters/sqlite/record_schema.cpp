#include "adapters/sqlite/record_schema.hpp"

#include <filesystem>

namespace market::sqlite {
namespace {

const Migration version_2 = {
    // No second index, on purpose; times are milliseconds of UTC, money is in minor units. `place` is that of
    // the last event in the row, everywhere.
    "CREATE TABLE orders("
    "id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, state TEXT NOT NULL, payment TEXT NOT NULL,"
    "attempt_id INTEGER NOT NULL, total INTEGER NOT NULL, currency TEXT NOT NULL, pay_by INTEGER NOT NULL,"
    "created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, key_hi INTEGER NOT NULL, key_lo INTEGER NOT "
    "NULL, fingerprint INTEGER NOT NULL, lines TEXT NOT NULL, history TEXT NOT NULL, place INTEGER NOT NULL)",
    "CREATE TABLE user_orders("
    "segment INTEGER NOT NULL, user_id INTEGER NOT NULL, order_id INTEGER NOT NULL,"
    "PRIMARY KEY(segment, user_id, order_id)) WITHOUT ROWID",
    "CREATE TABLE segments(segment INTEGER PRIMARY KEY, low_id INTEGER NOT NULL, high_id INTEGER NOT NULL)",
    // Orders of the open segment whose ids are below those of closed ones, to find them at the next start.
    "CREATE TABLE late_orders(order_id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL)",
    // Keys of events that made no order, few; those of orders are in their rows.
    "CREATE TABLE bound_keys("
    "key_hi INTEGER NOT NULL, key_lo INTEGER NOT NULL, subject INTEGER NOT NULL, fingerprint INTEGER NOT "
    "NULL, at INTEGER NOT NULL, PRIMARY KEY(key_hi, key_lo)) WITHOUT ROWID",
    "CREATE TABLE products("
    "id INTEGER PRIMARY KEY, version INTEGER NOT NULL, seller INTEGER NOT NULL, price INTEGER NOT NULL,"
    "currency TEXT NOT NULL, kind TEXT NOT NULL, opens_at INTEGER, closes_at INTEGER, per_user_limit INTEGER,"
    "publish_at INTEGER, withdrawn INTEGER NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,"
    "category TEXT NOT NULL, picture TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    "place INTEGER NOT NULL)",
    // A name holds from its version until the next row.
    "CREATE TABLE product_names("
    "product INTEGER NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL,"
    "PRIMARY KEY(product, version)) WITHOUT ROWID",
    "CREATE TABLE product_stock("
    "product INTEGER PRIMARY KEY, remaining INTEGER NOT NULL, capacity INTEGER NOT NULL,"
    "place INTEGER NOT NULL)",
    // How far the records are, and of which log.
    "CREATE TABLE position("
    "only_row INTEGER PRIMARY KEY CHECK(only_row = 1), log_place INTEGER NOT NULL, log_hi INTEGER NOT NULL,"
    "log_lo INTEGER NOT NULL, log_generation INTEGER NOT NULL)",
    "INSERT INTO position VALUES(1, 0, 0, 0, 0)",
};
const Migration version_3 = {
    // The calendar of deliveries asks for these; orders that are not paid cost it nothing.
    "CREATE INDEX orders_in_delivery ON orders(state, updated_at) WHERE state IN ('paid','preparing',"
    "'shipped','return_requested')",
};
const Migration version_4 = {
    // The same condition in other words: SQLite fills a table of the texts of an IN for each row that is
    // written, which was a fifth of the fold.
    "DROP INDEX orders_in_delivery",
    "CREATE INDEX orders_in_delivery ON orders(state, updated_at) WHERE (state = 'paid' OR state = "
    "'preparing' OR state = 'shipped' OR state = 'return_requested')",
};
const Migration version_5 = {"ALTER TABLE products ADD COLUMN paused INTEGER NOT NULL DEFAULT 0"};
const Migration migrations[] = {version_2, version_3, version_4, version_5};

}  // namespace

const Schema records_schema{"the records", application_id_of('R'), migrations, 2};

void remove_database_files(const std::string& path) {
  for (const auto* ending : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path + ending);
}

}  // namespace market::sqlite
