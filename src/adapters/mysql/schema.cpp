#include "adapters/mysql/schema.hpp"

#include <fmt/format.h>

#include <span>
#include <sstream>

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
// The ordinary rows (accounts.mysql). Texts are bytes: what was sent need not be UTF-8, and personal values
// are encrypted. Who somebody is and what they may do carries a keyed sum, `mac` (adapters/sql/row_mac.hpp).
constexpr const char* version_2[] = {
    // Its lock is that of the one writer of all tables below.
    "CREATE TABLE IF NOT EXISTS one_writer(only_row TINYINT PRIMARY KEY)",
    "INSERT IGNORE INTO one_writer VALUES(1)",
    "CREATE TABLE IF NOT EXISTS accounts("
    "id BIGINT PRIMARY KEY, email_index VARBINARY(200) NOT NULL, email BLOB NOT NULL, name BLOB NOT NULL,"
    "phone BLOB, address BLOB, role VARBINARY(20) NOT NULL, email_verified TINYINT NOT NULL,"
    "password_hash VARBINARY(500) NOT NULL, password_generation BIGINT NOT NULL DEFAULT 0,"
    "role_changed_at BIGINT, created_at BIGINT NOT NULL, mac VARBINARY(200) NOT NULL DEFAULT '',"
    "UNIQUE KEY email_index(email_index), KEY accounts_by_role_change(role_changed_at))",
    "CREATE TABLE IF NOT EXISTS sessions("
    "id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL, refresh_hash VARBINARY(200) NOT NULL,"
    "device BLOB NOT NULL, created_at BIGINT NOT NULL, used_at BIGINT NOT NULL, ends_at BIGINT NOT NULL,"
    "ended_at BIGINT, password_generation BIGINT NOT NULL DEFAULT 0, mac VARBINARY(200) NOT NULL DEFAULT '',"
    "UNIQUE KEY sessions_by_hash(refresh_hash), KEY sessions_by_user(user_id), KEY sessions_by_end(ends_at),"
    "KEY sessions_ended(ended_at))",
    "CREATE TABLE IF NOT EXISTS used_refresh_hashes("
    "refresh_hash VARBINARY(200) PRIMARY KEY, session_id BIGINT NOT NULL, ends_at BIGINT NOT NULL,"
    "used_at BIGINT NOT NULL DEFAULT 0, KEY used_refresh_hashes_by_end(ends_at),"
    "KEY used_refresh_hashes_by_session(session_id))",
    "CREATE TABLE IF NOT EXISTS verifications("
    "email_index VARBINARY(200) PRIMARY KEY, code_hash VARBINARY(200) NOT NULL, ends_at BIGINT NOT NULL,"
    "tries INT NOT NULL, KEY verifications_by_end(ends_at))",
    "CREATE TABLE IF NOT EXISTS password_resets("
    "email_index VARBINARY(200) PRIMARY KEY, code_hash VARBINARY(200) NOT NULL, ends_at BIGINT NOT NULL,"
    "tries INT NOT NULL, KEY password_resets_by_end(ends_at))",
    "CREATE TABLE IF NOT EXISTS locked_accounts(user_id BIGINT PRIMARY KEY, locked_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS cart_items("
    "user_id BIGINT NOT NULL, product_id BIGINT NOT NULL, quantity INT NOT NULL, added_at BIGINT NOT NULL,"
    "PRIMARY KEY(user_id, product_id))",
    "CREATE TABLE IF NOT EXISTS wishes("
    "user_id BIGINT NOT NULL, product_id BIGINT NOT NULL, added_at BIGINT NOT NULL,"
    "PRIMARY KEY(user_id, product_id))",
    "CREATE TABLE IF NOT EXISTS audit("
    "id BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor_id BIGINT NOT NULL, role VARBINARY(20) NOT NULL,"
    "action VARBINARY(200) NOT NULL, subject BLOB NOT NULL, detail MEDIUMBLOB NOT NULL, status INT NOT NULL,"
    "KEY audit_by_actor(actor_id, id))",
    // Which store this is (the id of its log), and check values of its keys.
    "CREATE TABLE IF NOT EXISTS store(only_row TINYINT PRIMARY KEY, id_hi BIGINT NOT NULL, id_lo BIGINT NOT "
    "NULL)",
    "CREATE TABLE IF NOT EXISTS key_checks(name VARBINARY(100) PRIMARY KEY, value VARBINARY(200) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pictures(hash CHAR(64) PRIMARY KEY, bytes LONGBLOB NOT NULL)",
    // What is personal in a mail is encrypted; of one that was sent it is not kept.
    "CREATE TABLE IF NOT EXISTS mails("
    "id BIGINT PRIMARY KEY, message_id VARBINARY(200) NOT NULL, kind VARBINARY(50) NOT NULL,"
    "user_id BIGINT NOT NULL, order_id BIGINT NOT NULL, state VARBINARY(20) NOT NULL, urgent TINYINT NOT "
    "NULL,"
    "recipient BLOB NOT NULL, subject BLOB NOT NULL, body MEDIUMBLOB NOT NULL, created_at BIGINT NOT NULL,"
    "ends_at BIGINT NOT NULL, next_at BIGINT NOT NULL, tries INT NOT NULL, reason BLOB NOT NULL,"
    "sent_at BIGINT, UNIQUE KEY mails_by_message(message_id), KEY mails_due(state, urgent, next_at, id),"
    "KEY mails_next(state, next_at), KEY mails_ending(state, ends_at), KEY mails_by_state(state, id),"
    "KEY mails_by_user(user_id, created_at))",
    // How far the log has been followed by those that have an effect outside.
    "CREATE TABLE IF NOT EXISTS followers("
    "name VARBINARY(50) PRIMARY KEY, log_hi BIGINT NOT NULL, log_lo BIGINT NOT NULL, generation BIGINT NOT "
    "NULL, term BIGINT NOT NULL, last BIGINT NOT NULL, next BIGINT NOT NULL, checksum BIGINT NOT NULL,"
    "done BIGINT NOT NULL)",
    // Where a webhook leads and what it signs with is encrypted; each has a place of its own in the log.
    "CREATE TABLE IF NOT EXISTS webhooks("
    "id BIGINT PRIMARY KEY, url BLOB NOT NULL, secret BLOB NOT NULL, previous_secret BLOB NOT NULL,"
    "previous_until BIGINT NOT NULL, events BLOB NOT NULL, active TINYINT NOT NULL, created_at BIGINT NOT "
    "NULL,"
    "log_hi BIGINT NOT NULL, log_lo BIGINT NOT NULL, generation BIGINT NOT NULL, term BIGINT NOT NULL,"
    "last BIGINT NOT NULL, next BIGINT NOT NULL, checksum BIGINT NOT NULL, done BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS webhook_deliveries("
    "id BIGINT PRIMARY KEY, webhook_id BIGINT NOT NULL, event_id VARBINARY(200) NOT NULL,"
    "kind VARBINARY(50) NOT NULL, order_id BIGINT NOT NULL, payload MEDIUMBLOB NOT NULL,"
    "state VARBINARY(20) NOT NULL, created_at BIGINT NOT NULL, next_at BIGINT NOT NULL, attempts INT NOT "
    "NULL,"
    "status INT NOT NULL, reason BLOB NOT NULL, delivered_at BIGINT,"
    "UNIQUE KEY webhook_deliveries_by_event(webhook_id, event_id),"
    "KEY webhook_deliveries_due(webhook_id, state, next_at, id),"
    "KEY webhook_deliveries_by_state(webhook_id, state, id))",
    // Where an account's sessions were opened from: a keyed hash of account and address.
    "CREATE TABLE IF NOT EXISTS known_clients("
    "user_id BIGINT NOT NULL, client_index VARBINARY(200) NOT NULL, seen_at BIGINT NOT NULL,"
    "PRIMARY KEY(user_id, client_index))",
    // Of the test payment provider.
    "CREATE TABLE IF NOT EXISTS charges("
    "attempt BIGINT PRIMARY KEY, amount BIGINT NOT NULL, currency CHAR(3) NOT NULL, declined TINYINT NOT "
    "NULL,"
    "captured_at BIGINT NOT NULL, refunded TINYINT NOT NULL, mac VARBINARY(200) NOT NULL,"
    "token_sum VARBINARY(100) NOT NULL)",
};
// What is due in the calendar of deliveries.
constexpr const char* version_3[] = {"CREATE INDEX orders_by_state ON orders(state, updated_at)"};
constexpr const char* version_4[] = {
    "ALTER TABLE products ADD COLUMN paused TINYINT NOT NULL DEFAULT 0",
    // Whose a webhook is, 0: the operators'; it decides what it is told, so it carries a keyed sum.
    "ALTER TABLE webhooks ADD COLUMN owner_id BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE webhooks ADD COLUMN owner_mac VARBINARY(200) NOT NULL DEFAULT ''",
    // How often an order for a product was refused for a reason, in the step that begins at `at`.
    "CREATE TABLE IF NOT EXISTS sale_refusals("
    "product_id BIGINT NOT NULL, at BIGINT NOT NULL, reason VARBINARY(40) NOT NULL, refused BIGINT NOT NULL,"
    "PRIMARY KEY(product_id, at, reason))",
};
// Which backup is being restored here; nobody serves meanwhile.
constexpr const char* version_5[] = {
    "CREATE TABLE IF NOT EXISTS unfinished_restore("
    "only_row TINYINT PRIMARY KEY, backup VARBINARY(100) NOT NULL)",
};
// And where to: a name of a topic may have 249 bytes.
constexpr const char* version_6[] = {"ALTER TABLE unfinished_restore MODIFY backup VARBINARY(1000) NOT NULL"};
// Mails about orders to an address, by a keyed hash of it, since the first of a day; it outlives accounts.
constexpr const char* version_7[] = {
    "CREATE TABLE IF NOT EXISTS mailed_addresses("
    "address_index VARBINARY(200) PRIMARY KEY, since BIGINT NOT NULL, mails INT NOT NULL,"
    "KEY mailed_addresses_by_since(since))",
};
constexpr std::span<const char* const> versions[] = {version_1, version_2, version_3, version_4,
                                                     version_5, version_6, version_7};
constexpr int with_webhook_sums = 4;
constexpr int lock_seconds = 30;
constexpr Millis change_time_max{300'000};  ///< Of one step, on tables as large as they may be.

constexpr auto newest = static_cast<int>(std::size(versions));

/// 0: there are no tables yet.
int version_of(Session& session) {
  if (session.query("SHOW TABLES LIKE 'schema_versions'").empty()) return 0;
  return static_cast<int>(session.query("SELECT max(version) FROM schema_versions").at(0).integer(0));
}

void refuse_newer(int found) {
  if (found > newest)
    throw std::runtime_error(
        fmt::format("the database's schema is version {}, this program knows up to {}; use the newer program",
                    found, newest));
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

/// A step of the schema is no transaction: one that was broken off is done again from its beginning.
void execute_again(Session& session, const std::string& sql) try {
  session.execute(sql);
} catch (const Failure& failure) {
  constexpr unsigned column_is_there = 1060, index_is_there = 1061;
  if (failure.code != column_is_there && failure.code != index_is_there) throw;
}

/// Those of before version 4 are the operators'. Only then: later a webhook without its sum was changed past
/// the market.
void seal_webhooks(Session& session, const std::function<std::string(long long)>& operators_sum) {
  for (const Row& row : session.query("SELECT id FROM webhooks WHERE owner_id = 0 AND owner_mac = ''")) {
    if (!operators_sum)
      throw std::runtime_error(
          "the database has webhooks of an older program: start a service with its keys first");
    session.execute(fmt::format("UPDATE webhooks SET owner_mac = {} WHERE id = {}",
                                quoted(operators_sum(row.integer(0))), row.integer(0)));
  }
}

}  // namespace

void migrate(Server server, const std::function<std::string(long long)>& operators_sum) {
  server.answer_time_max = change_time_max;
  Session session(std::move(server));
  session.begin_use();
  if (version_of(session) == newest) return;  // Nothing is written: the server may be read-only for a while.
  const MigrationLock lock(session);
  session.execute("CREATE TABLE IF NOT EXISTS schema_versions(version INT PRIMARY KEY)");
  const int found = version_of(session);
  refuse_newer(found);
  for (int next = found + 1; next <= newest; ++next) {
    for (const char* step : versions[next - 1]) {
      std::string sql = step;
      if (sql.starts_with("CREATE TABLE"))
        sql += " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
      execute_again(session, sql);
    }
    if (next == with_webhook_sums) seal_webhooks(session, operators_sum);
    session.execute(fmt::format("INSERT INTO schema_versions VALUES({})", next));
  }
}

void expect_newest_schema(Session& session) {
  session.begin_use();
  const int found = version_of(session);
  if (found == 0) throw std::runtime_error("the database holds no market");
  refuse_newer(found);
  if (found < newest)
    throw std::runtime_error(fmt::format(
        "the database's schema is version {}: start a service of this program first, which brings it to {}",
        found, newest));
}

std::optional<UnfinishedRestore> unfinished_restore(Session& session) {
  const auto rows = session.query("SELECT backup FROM unfinished_restore");
  if (rows.empty()) return std::nullopt;
  UnfinishedRestore restore;
  std::istringstream lines(rows[0].text(0));
  for (std::string* part : {&restore.backup, &restore.topic, &restore.records}) std::getline(lines, *part);
  return restore;
}

void note_restore(Session& session, const UnfinishedRestore& restore) {
  const auto lines = fmt::format("{}\n{}\n{}", restore.backup, restore.topic, restore.records);
  session.execute(fmt::format("REPLACE INTO unfinished_restore VALUES(1, {})", quoted(lines)));
}

void forget_restore(Session& session) {
  session.execute("DELETE FROM unfinished_restore");
}

void expect_no_restore(const Server& server) {
  Session session(server);
  session.begin_use();
  if (!session.query("SHOW TABLES LIKE 'unfinished_restore'").empty() && unfinished_restore(session))
    throw std::runtime_error(
        fmt::format("MySQL at {} holds an unfinished restore; run 'market restore' again", server.address()));
}

}  // namespace market::mysql
