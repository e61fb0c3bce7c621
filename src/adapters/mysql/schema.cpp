#include "adapters/mysql/schema.hpp"

#include <fmt/format.h>

#include <span>

namespace market::mysql {
namespace {

// Bytes compare as bytes. Times are milliseconds of UTC, money is in minor units. `place` is that of the last
// event in the row, everywhere.
constexpr const char* version_1[] = {
    // No unique key but the primary one: a second would lock gaps under the bulk upserts.
    "CREATE TABLE IF NOT EXISTS orders("
    "id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL, state VARCHAR(20) NOT NULL, payment VARCHAR(20) NOT "
    "NULL,"
    "attempt_id BIGINT NOT NULL, total BIGINT NOT NULL, currency CHAR(3) NOT NULL, pay_by BIGINT NOT NULL,"
    "created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, key_hi BIGINT NOT NULL, key_lo BIGINT NOT NULL,"
    "fingerprint BIGINT NOT NULL, `lines` TEXT NOT NULL, history TEXT NOT NULL, place BIGINT NOT NULL,"
    "KEY orders_by_user(user_id, id))",
    // The last net under the sequencer: one ticket, one order. A conflict goes to fold_conflicts.
    "CREATE TABLE IF NOT EXISTS order_lines("
    "product BIGINT NOT NULL, ticket BIGINT NOT NULL, order_id BIGINT NOT NULL, place BIGINT NOT NULL,"
    "PRIMARY KEY(product, ticket))",
    "CREATE TABLE IF NOT EXISTS fold_conflicts("
    "id BIGINT AUTO_INCREMENT PRIMARY KEY, product BIGINT NOT NULL, ticket BIGINT NOT NULL,"
    "order_id BIGINT NOT NULL, place BIGINT NOT NULL)",
    // Keys of events that made no order, few; those of orders are in their rows.
    "CREATE TABLE IF NOT EXISTS bound_keys("
    "key_hi BIGINT NOT NULL, key_lo BIGINT NOT NULL, subject BIGINT NOT NULL, fingerprint BIGINT NOT NULL,"
    "at BIGINT NOT NULL, PRIMARY KEY(key_hi, key_lo))",
    "CREATE TABLE IF NOT EXISTS products("
    "id BIGINT PRIMARY KEY, version BIGINT NOT NULL, seller BIGINT NOT NULL, price BIGINT NOT NULL,"
    "currency CHAR(3) NOT NULL, kind VARCHAR(10) NOT NULL, opens_at BIGINT, closes_at BIGINT,"
    "per_user_limit BIGINT, publish_at BIGINT, withdrawn TINYINT NOT NULL, name TEXT NOT NULL,"
    "description MEDIUMTEXT NOT NULL, category TEXT NOT NULL, picture TEXT NOT NULL,"
    "created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, place BIGINT NOT NULL)",
    // A name holds from its version until the next row.
    "CREATE TABLE IF NOT EXISTS product_names("
    "product BIGINT NOT NULL, version BIGINT NOT NULL, name TEXT NOT NULL, PRIMARY KEY(product, version))",
    "CREATE TABLE IF NOT EXISTS product_stock("
    "product BIGINT PRIMARY KEY, remaining BIGINT NOT NULL, capacity BIGINT NOT NULL, place BIGINT NOT NULL)",
    // How far the records are, and of which log.
    "CREATE TABLE IF NOT EXISTS fold("
    "only_row TINYINT PRIMARY KEY, log_place BIGINT NOT NULL, log_hi BIGINT NOT NULL, log_lo BIGINT NOT NULL,"
    "log_generation BIGINT NOT NULL)",
    "INSERT IGNORE INTO fold VALUES(1, 0, 0, 0, 0)",
};
constexpr std::span<const char* const> versions[] = {version_1};
constexpr int lock_seconds = 30;

int version_of(Session& session) {
  return static_cast<int>(session.query("SELECT max(version) FROM schema_versions").at(0).integer(0));
}

/// One instance at a time; the server gives the lock back when the connection ends.
class MigrationLock {
 public:
  explicit MigrationLock(Session& session) : session_(session) {
    const auto got =
        session_.query(fmt::format("SELECT GET_LOCK(concat(database(), '.schema'), {})", lock_seconds));
    if (got.at(0).integer(0) != 1)
      throw std::runtime_error("another instance has been changing the database's schema for too long");
  }
  ~MigrationLock() {
    try {
      session_.query("SELECT RELEASE_LOCK(concat(database(), '.schema'))");
    } catch (const std::exception&) {
      session_.close();
    }
  }

 private:
  Session& session_;
};

}  // namespace

void migrate(Session& session) {
  constexpr auto newest = static_cast<int>(std::size(versions));
  session.begin_use();
  const MigrationLock lock(session);
  session.execute("CREATE TABLE IF NOT EXISTS schema_versions(version INT PRIMARY KEY)");
  const int found = version_of(session);
  if (found > newest)
    throw std::runtime_error(
        fmt::format("the database's schema is version {}, this program knows up to {}; use the newer program",
                    found, newest));
  for (int next = found + 1; next <= newest; ++next) {
    for (const char* step : versions[next - 1]) {
      std::string sql = step;
      if (sql.starts_with("CREATE TABLE"))
        sql += " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
      session.execute(sql);
    }
    session.execute(fmt::format("INSERT INTO schema_versions VALUES({})", next));
  }
}

}  // namespace market::mysql
