#include "adapters/sqlite/main_database.hpp"

#include "adapters/sqlite/open_main.hpp"

#include <algorithm>

namespace market::sqlite {
namespace {

constexpr int main_application_id = 0x4D6B744D;  // "MktM", like the log's "MktL".

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
    "CREATE TABLE cart_items("
    "user_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL, added_at INTEGER NOT "
    "NULL, PRIMARY KEY(user_id, product_id)) WITHOUT ROWID",
    "CREATE TABLE wishes("
    "user_id INTEGER NOT NULL, product_id INTEGER NOT NULL, added_at INTEGER NOT NULL, "
    "PRIMARY KEY(user_id, product_id)) WITHOUT ROWID",
};
constexpr int first_schema = 4;  // Those before it were never released.
const Migration migrations[] = {version_4, version_5, version_6};

}  // namespace

MainDatabase::MainDatabase(const std::string& path, BlockingPool& pool, unsigned readers)
    : pool_(pool), writer_(open_session(path, SessionKind::durable_writer)) {
  migrate(*writer_, path, main_application_id, migrations, first_schema);
  for (unsigned i = 0; i < std::max(readers, 1u); ++i) readers_.add(open_session(path, SessionKind::reader));
  files_ = files::DatabaseFiles(path);
}

Error MainDatabase::write_error(const std::exception& error) {
  if (sqlite_code_of(error) == SQLITE_CONSTRAINT &&
      std::string_view(error.what()).find("accounts.email_index") != std::string_view::npos)
    return Error(Code::email_taken, "an account with this e-mail address exists");
  return error_of(error, "cannot write main.db");
}

Error MainDatabase::taken_away() {
  return Error(Code::unavailable, "main.db or its WAL was deleted, replaced or made read-only below us");
}

bool is_in_place(const MainDatabase& database) {
  return database.files_in_place();
}

std::shared_ptr<MainDatabase> open_main_database(const std::string& path, BlockingPool& pool,
                                                 unsigned readers) {
  return std::make_shared<MainDatabase>(path, pool, readers);
}

}  // namespace market::sqlite
