#include "adapters/sqlite/sql_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <stdexcept>

#include "adapters/files/files.hpp"
#include "adapters/sqlite/connection_mutexes.hpp"

namespace market::sqlite {
namespace {

constexpr int busy_timeout_seconds = 5;

void set_up(soci::session& sql, SessionKind kind) {
  if (kind == SessionKind::reader || kind == SessionKind::looking) {
    sql << "PRAGMA query_only=ON";
    sql << "PRAGMA cache_size=-4096";
    return;
  }
  sql << (kind == SessionKind::durable_writer ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

/// An empty WAL and its index stay behind when it is closed: a start on a full disk needs no room.
void keep_wal_files(soci::session& sql) {
  int on = 1;
  sqlite_api::sqlite3_file_control(handle_of(sql), "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  sql << "PRAGMA journal_size_limit = 0";
}

/// Changes the file's header: only once the file is known to be ours.
void use_write_ahead_log(soci::session& sql) {
  std::string mode;
  sql << "PRAGMA journal_mode=WAL", soci::into(mode);
  if (mode != "wal") throw std::runtime_error("it cannot use a write-ahead log here");
}

}  // namespace

std::string plain_reason(const std::exception& error) {
  const auto* known = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  return known == nullptr ? error.what() : sqlite_api::sqlite3_errstr(known->result());
}

std::unique_ptr<soci::session> open_session(const std::string& path, SessionKind kind) {
  if (path.find('"') != std::string::npos)
    throw std::runtime_error(fmt::format("{}: a data folder's name must not hold a quotation mark", path));
  use_connections_without_mutex();
  if (kind == SessionKind::durable_writer || kind == SessionKind::bulk_writer) files::create_for_owner(path);
  try {
    auto sql = std::make_unique<soci::session>(
        *soci::factory_sqlite3(), fmt::format("dbname=\"{}\" timeout={}{}", path, busy_timeout_seconds,
                                              kind == SessionKind::looking ? " readonly=1" : ""));
    set_up(*sql, kind);
    if (kind != SessionKind::looking) keep_wal_files(*sql);
    return sql;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("cannot open {}: {}", path, plain_reason(error)));
  }
}

FoundSchema expect_known_schema(soci::session& sql, const std::string& path, const Schema& schema) {
  return expect_known_schema(handle_of(sql), path, schema);
}

void migrate(soci::session& sql, const std::string& path, const Schema& schema) {
  expect_known_schema(sql, path, schema);
  try {
    use_write_ahead_log(sql);
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("cannot use {}: {}", path, plain_reason(error)));
  }
  migrate(handle_of(sql), path, schema);
}

bool read_one_row(soci::statement& statement) {
  statement.execute();
  const bool found = statement.fetch();
  while (found && statement.fetch()) {
  }
  return found;
}

sqlite_api::sqlite3* handle_of(soci::session& sql) {
  return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
}

int sqlite_code_of(const std::exception& error) {
  const auto* known = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  return known == nullptr ? 0 : known->result() & 0xff;
}

Error error_of(const std::exception& error, std::string_view doing) {
  const auto code = sqlite_code_of(error) == SQLITE_FULL ? Code::insufficient_storage : Code::unavailable;
  return Error(code, fmt::format("{}: {}", doing, plain_reason(error)));
}

Transaction::~Transaction() {
  if (!open_) return;
  // The commit may have ended it already; then there is nothing to roll back.
  sqlite_api::sqlite3_exec(handle_of(sql_), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  sql_ << "COMMIT";
  open_ = false;
}

}  // namespace market::sqlite
