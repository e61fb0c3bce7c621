#include "adapters/sqlite/main_database.hpp"

#include "adapters/sql/main_identity.hpp"
#include "adapters/sqlite/main_schema.hpp"
#include "adapters/sqlite/open_main.hpp"
#include "adapters/sqlite/row_mac.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace market::sqlite {
namespace {

const Migration version_4 = {
    // E-mail, name, phone and address are encrypted; email_index is a keyed hash of the lower-cased address.
    "CREATE TABLE accounts("
    "id INTEGER PRIMARY KEY, email_index TEXT NOT NULL UNIQUE, email TEXT NOT NULL, name TEXT NOT NULL,"
    "phone TEXT, address TEXT, role TEXT NOT NULL, email_verified INTEGER NOT NULL, password_hash TEXT NOT "
    "NULL,"
    "created_at INTEGER NOT NULL)",
    "CREATE TABLE verifications("
    "user_id INTEGER PRIMARY KEY, code_hash TEXT NOT NULL, ends_at INTEGER NOT NULL, tries INTEGER NOT NULL)",
    // Hashes are written in hexadecimal, whatever bytes they are made of.
    "CREATE TABLE sessions("
    "id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, refresh_hash TEXT NOT NULL UNIQUE, device TEXT NOT "
    "NULL,"
    "created_at INTEGER NOT NULL, used_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, ended_at INTEGER)",
    "CREATE INDEX sessions_by_user ON sessions(user_id)",
    "CREATE INDEX sessions_by_end ON sessions(ends_at)",
    "CREATE INDEX sessions_ended ON sessions(ended_at) WHERE ended_at IS NOT NULL",
    // Every refresh token a session ever replaced: one of them coming back means that it was stolen.
    "CREATE TABLE used_refresh_hashes("
    "refresh_hash TEXT PRIMARY KEY, session_id INTEGER NOT NULL, ends_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX used_refresh_hashes_by_end ON used_refresh_hashes(ends_at)",
};
const Migration version_5 = {
    "ALTER TABLE accounts ADD COLUMN password_generation INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE accounts ADD COLUMN role_changed_at INTEGER",
    "CREATE INDEX accounts_by_role_change ON accounts(role_changed_at) WHERE role_changed_at IS NOT NULL",
    "ALTER TABLE sessions ADD COLUMN password_generation INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE used_refresh_hashes ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0",
    // By address, whether or not it has an account: nobody can tell the two apart. Codes live for half an
    // hour, so those of before need not be kept.
    "DROP TABLE verifications",
    "CREATE TABLE verifications("
    "email_index TEXT PRIMARY KEY, code_hash TEXT NOT NULL, ends_at INTEGER NOT NULL, tries INTEGER NOT "
    "NULL) "
    "WITHOUT ROWID",
    "CREATE INDEX verifications_by_end ON verifications(ends_at)",
};
const Migration version_6 = {
    // Which store this is (the id of its log), and check values of its keys.
    "CREATE TABLE store(only_row INTEGER PRIMARY KEY CHECK(only_row = 1), id_hi INTEGER NOT NULL,"
    "id_lo INTEGER NOT NULL)",
    "CREATE TABLE key_checks(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    // A keyed sum over what decides rights (row_mac.hpp); the triggers keep it right whoever writes.
    "ALTER TABLE accounts ADD COLUMN mac TEXT NOT NULL DEFAULT ''",
    "UPDATE accounts SET mac = row_mac('accounts', id, email_index, role, email_verified, password_hash, "
    "password_generation, role_changed_at)",
    "CREATE TRIGGER accounts_made AFTER INSERT ON accounts BEGIN "
    "UPDATE accounts SET mac = row_mac('accounts', id, email_index, role, email_verified, password_hash, "
    "password_generation, role_changed_at) WHERE id = NEW.id; END",
    "CREATE TRIGGER accounts_changed AFTER UPDATE OF id, email_index, role, email_verified, password_hash, "
    "password_generation, role_changed_at ON accounts BEGIN "
    "UPDATE accounts SET mac = row_mac('accounts', id, email_index, role, email_verified, password_hash, "
    "password_generation, role_changed_at) WHERE id = NEW.id; END",
    "ALTER TABLE sessions ADD COLUMN mac TEXT NOT NULL DEFAULT ''",
    "UPDATE sessions SET mac = row_mac('sessions', id, user_id, refresh_hash, ends_at, ended_at, "
    "password_generation)",
    "CREATE TRIGGER sessions_made AFTER INSERT ON sessions BEGIN "
    "UPDATE sessions SET mac = row_mac('sessions', id, user_id, refresh_hash, ends_at, ended_at, "
    "password_generation) WHERE id = NEW.id; END",
    "CREATE TRIGGER sessions_changed AFTER UPDATE OF id, user_id, refresh_hash, ends_at, ended_at, "
    "password_generation ON sessions BEGIN "
    "UPDATE sessions SET mac = row_mac('sessions', id, user_id, refresh_hash, ends_at, ended_at, "
    "password_generation) WHERE id = NEW.id; END",
};
const Migration version_7 = {
    "CREATE TABLE cart_items("
    "user_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL, added_at INTEGER NOT "
    "NULL, PRIMARY KEY(user_id, product_id)) WITHOUT ROWID",
    "CREATE TABLE wishes("
    "user_id INTEGER NOT NULL, product_id INTEGER NOT NULL, added_at INTEGER NOT NULL, "
    "PRIMARY KEY(user_id, product_id)) WITHOUT ROWID",
    // What operators and sellers asked for, and the status that answered it; 0: no answer is known.
    "CREATE TABLE audit("
    "id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor_id INTEGER NOT NULL, role TEXT NOT NULL, action TEXT "
    "NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, status INTEGER NOT NULL)",
};
const Migration version_8 = {
    "CREATE TABLE locked_accounts(user_id INTEGER PRIMARY KEY, locked_at INTEGER NOT NULL)",
    "CREATE TABLE password_resets("
    "email_index TEXT PRIMARY KEY, code_hash TEXT NOT NULL, ends_at INTEGER NOT NULL, tries INTEGER NOT "
    "NULL) WITHOUT ROWID",
};
const Migration version_9 = {
    // What is personal in a mail is encrypted; of one that was sent it is not kept.
    "CREATE TABLE mails("
    "id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, user_id INTEGER NOT NULL, "
    "order_id INTEGER NOT NULL, state TEXT NOT NULL, urgent INTEGER NOT NULL, recipient TEXT NOT NULL, "
    "subject TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, "
    "next_at INTEGER NOT NULL, tries INTEGER NOT NULL, reason TEXT NOT NULL, sent_at INTEGER)",
    "CREATE INDEX mails_due ON mails(urgent DESC, next_at, id) WHERE state = 'waiting'",
    "CREATE INDEX mails_next ON mails(next_at) WHERE state = 'waiting'",
    "CREATE INDEX mails_ending ON mails(ends_at) WHERE state = 'waiting'",
    "CREATE INDEX mails_by_state ON mails(state, id)",
    "CREATE INDEX mails_by_user ON mails(user_id, created_at)",
    // How far the log has been followed by those that have an effect outside.
    "CREATE TABLE followers("
    "name TEXT PRIMARY KEY, log_hi INTEGER NOT NULL, log_lo INTEGER NOT NULL, generation INTEGER NOT NULL, "
    "term INTEGER NOT NULL, last INTEGER NOT NULL, next INTEGER NOT NULL, checksum INTEGER NOT NULL, done "
    "INTEGER NOT NULL) WITHOUT ROWID",
};
const Migration version_10 = {
    // Where a webhook leads and what it signs with is encrypted; each has a place of its own in the log.
    "CREATE TABLE webhooks("
    "id INTEGER PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL, previous_secret TEXT NOT NULL, "
    "previous_until INTEGER NOT NULL, events TEXT NOT NULL, active INTEGER NOT NULL, created_at INTEGER NOT "
    "NULL, "
    "log_hi INTEGER NOT NULL, log_lo INTEGER NOT NULL, generation INTEGER NOT NULL, term INTEGER NOT NULL, "
    "last "
    "INTEGER NOT NULL, next INTEGER NOT NULL, checksum INTEGER NOT NULL, done INTEGER NOT NULL)",
    "CREATE TABLE webhook_deliveries("
    "id INTEGER PRIMARY KEY, webhook_id INTEGER NOT NULL, event_id TEXT NOT NULL, kind TEXT NOT NULL, "
    "order_id "
    "INTEGER NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL, next_at "
    "INTEGER "
    "NOT NULL, attempts INTEGER NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL, delivered_at "
    "INTEGER, "
    "UNIQUE(webhook_id, event_id))",
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries(webhook_id, next_at, id) WHERE state = "
    "'waiting'",
    "CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries(webhook_id, state, id)",
};
const Migration version_11 = {
    // Where an account's sessions were opened from: a keyed hash of account and address.
    "CREATE TABLE known_clients("
    "user_id INTEGER NOT NULL, client_index TEXT NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY(user_id, "
    "client_index)) WITHOUT ROWID",
};
const Migration version_12 = {
    // Whose a webhook is, 0: the operators'; it decides what it is told, so it carries a keyed sum.
    "ALTER TABLE webhooks ADD COLUMN owner_id INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE webhooks ADD COLUMN owner_mac TEXT NOT NULL DEFAULT ''",
    "UPDATE webhooks SET owner_mac = row_mac('webhooks', id, owner_id)",
    // How often an order for a product was refused for a reason, in the step that begins at `at`.
    "CREATE TABLE sale_refusals("
    "product_id INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, refused INTEGER NOT NULL, "
    "PRIMARY KEY(product_id, at, reason)) WITHOUT ROWID",
};
const Migration version_13 = {
    // Mails about orders to an address, by a keyed hash of it, since the first of a day; it outlives
    // accounts.
    "CREATE TABLE mailed_addresses("
    "address_index TEXT PRIMARY KEY, since INTEGER NOT NULL, mails INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX mailed_addresses_by_since ON mailed_addresses(since)",
};
const Migration migrations[] = {version_4, version_5,  version_6,  version_7,  version_8,
                                version_9, version_10, version_11, version_12, version_13};
const Schema main_schema{"the accounts", application_id_of('M'), migrations, 4};

/// Nothing to look at in a new file.
void expect_keys(soci::session& session, const std::string& path, const FieldCipher& cipher) {
  int accounts = 0;
  session << "SELECT count(*) FROM sqlite_master WHERE name = 'accounts'", soci::into(accounts);
  if (accounts > 0) sql::expect_field_keys(session, path, cipher);
}

Error write_error(const std::exception& error) {
  if (sqlite_code_of(error) == SQLITE_CONSTRAINT &&
      std::string_view(error.what()).find("accounts.email_index") != std::string_view::npos)
    return Error(Code::email_taken, "an account with this e-mail address exists");
  return error_of(error, "cannot write main.db");
}

Error taken_away() {
  return Error(Code::unavailable, "main.db or its WAL was deleted, replaced or made read-only below us");
}

}  // namespace

void migrate_main(soci::session& sql, const std::string& path) {
  migrate(sql, path, main_schema);
}

FoundSchema expect_main_schema(soci::session& sql, const std::string& path) {
  return expect_known_schema(sql, path, main_schema);
}

MainDatabase::MainDatabase(const std::string& path, BlockingPool& pool, unsigned readers,
                           const FieldCipher& cipher)
    : sql::MainDatabase(pool), writer_(open_session(path, SessionKind::durable_writer)) {
  add_row_mac(*writer_, cipher);
  expect_main_schema(*writer_, path);
  expect_keys(*writer_, path, cipher);
  migrate_main(*writer_, path);
  for (unsigned i = 0; i < std::max(readers, 1u); ++i) {
    auto reader = open_session(path, SessionKind::reader);
    add_row_mac(*reader, cipher);
    readers_.add(std::move(reader));
  }
  files_ = files::DatabaseFiles(path);
}

void verify_main_database(const std::string& path, const FieldCipher& cipher,
                          const std::map<std::string, std::string>& key_checks) {
  const auto session = open_session(path, SessionKind::reader);
  constexpr int with_identity = 6;
  const auto found = expect_main_schema(*session, path);
  expect_keys(*session, path, cipher);
  if (found.version < with_identity) return;
  const auto known = sql::select_identity(*session);
  if (!known) throw std::runtime_error(known.error().detail);
  for (const auto& [name, value] : known->key_checks)
    if (const auto file = std::filesystem::path(path).parent_path() / name;
        name.ends_with(".db") && !files::has_bytes(file))
      throw std::runtime_error(fmt::format("{} is missing beside main.db; restore a backup", file.string()));
  for (const auto& [name, value] : key_checks)
    if (const auto at = known->key_checks.find(name); at != known->key_checks.end() && at->second != value)
      throw std::runtime_error(fmt::format("key file keys/{} is of another store", name));
}

Result<> MainDatabase::run_read(const std::function<void(soci::session&)>& read) try {
  auto session = readers_.take();
  read(*session);
  return {};
} catch (const std::exception& error) {
  return fail(error_of(error, "cannot read main.db"));
}

Result<> MainDatabase::run_write(const std::function<bool(soci::session&)>& change) try {
  const std::lock_guard one_writer(writing_);
  if (!files_.in_place()) return fail(taken_away());
  Transaction all(*writer_, "BEGIN IMMEDIATE");
  const bool done = change(*writer_);
  if (done) all.commit();
  // Looked at again: a file that was moved away meanwhile took the change along.
  if (done && !files_.in_place()) return fail(taken_away());
  return {};
} catch (const std::exception& error) {
  return fail(write_error(error));
}

std::shared_ptr<sql::MainDatabase> open_main_database(const std::string& path, BlockingPool& pool,
                                                      unsigned readers, const FieldCipher& cipher) {
  return std::make_shared<MainDatabase>(path, pool, readers, cipher);
}

}  // namespace market::sqlite
