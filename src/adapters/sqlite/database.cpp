#include "adapters/sqlite/database.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "adapters/sqlite/connection_mutexes.hpp"

namespace market::sqlite {

void use_connections_without_mutex() {
  // URIs are for databases that are only looked at (files::immutable_uri).
  static const int configured =
      sqlite3_config(SQLITE_CONFIG_MULTITHREAD) | sqlite3_config(SQLITE_CONFIG_URI, 1);
  static_cast<void>(configured);
}

Database Database::open(const std::string& path, Mode mode) {
  use_connections_without_mutex();
  // Each connection is used by one thread at a time, so SQLite's own mutexes are not needed.
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database db;
  db.handle_.reset(handle);
  db.path_ = path;
  if (code != SQLITE_OK) {
    throw std::runtime_error(
        fmt::format("{}: cannot be opened ({}); check that the file exists and may be written", path,
                    handle == nullptr ? "out of memory" : sqlite3_errmsg(handle)));
  }
  // Another process (a backup, `market check`) may hold a lock for a moment.
  sqlite3_busy_timeout(handle, 5000);
  return db;
}

BorrowedDatabase::BorrowedDatabase(void* connection, std::string path) {
  database_.handle_.reset(static_cast<sqlite3*>(connection));
  database_.path_ = std::move(path);
}

void Database::keep_wal_files() {
  int on = 1;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  must_execute("PRAGMA journal_size_limit = 0");
}

int Database::execute(const char* sql) {
  return sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
}

void Database::must_execute(const char* sql) {
  if (execute(sql) != SQLITE_OK) raise("a statement failed");
}

std::int64_t Database::must_query(const char* sql) {
  Statement statement(*this, sql);
  if (statement.step() != SQLITE_ROW) raise("it cannot be read");
  return statement.integer(0);
}

std::string Database::last_error() const {
  return fmt::format("{}: {} (code {})", path_, sqlite3_errmsg(handle_.get()),
                     sqlite3_extended_errcode(handle_.get()));
}

void Database::raise(const std::string& what) const {
  const int code = sqlite3_errcode(handle_.get()) & 0xFF;
  if (code == SQLITE_NOTADB) {
    throw std::runtime_error(
        fmt::format("{}: this is not a database; move it away, or restore a backup", path_));
  }
  if (code == SQLITE_CORRUPT) {
    throw std::runtime_error(fmt::format("{}: the database is damaged; restore a backup", path_));
  }
  throw std::runtime_error(fmt::format("{}: {}: {}", path_, what, sqlite3_errmsg(handle_.get())));
}

Statement::Statement(const Database& db, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(db.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) db.raise("a statement cannot be prepared");
}

}  // namespace market::sqlite
