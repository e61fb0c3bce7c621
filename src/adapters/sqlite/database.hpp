#pragma once
/// A thin owner of one SQLite connection and its statements, for the log: it keeps SQLite's own result
/// codes, because what a failed commit means depends on them (docs/decisions/0002-log-group-per-row.md).
///
///   auto db = Database::open("data/log.db", Database::Mode::create);   // throws with one clear line
///   Statement find(db, "SELECT data FROM records WHERE offset = ?");
///   find.bind(1, offset);
///   if (find.step() == SQLITE_ROW) use(find.blob(0));
///   find.reset();

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace market::sqlite {

class Database {
 public:
  enum class Mode { create, existing, read_only };

  Database() = default;
  /// Throws std::runtime_error with one clear line.
  static Database open(const std::string& path, Mode mode);

  explicit operator bool() const { return handle_ != nullptr; }
  sqlite3* handle() const { return handle_.get(); }
  const std::string& path() const { return path_; }
  /// Leaves an empty WAL and its index behind when it is closed: a start on a full disk needs no room.
  void keep_wal_files();
  /// The name that messages use.
  void call_it(std::string name) { path_ = std::move(name); }
  void close() { handle_.reset(); }

  /// Runs SQL without an answer and returns the extended result code.
  int execute(const char* sql);
  /// The same, for start-up: throws std::runtime_error naming the file and the reason.
  void must_execute(const char* sql);
  /// One integer of a query or pragma. Throws std::runtime_error.
  std::int64_t must_query(const char* sql);
  /// `log.db: disk I/O error (code 1034)`.
  std::string last_error() const;
  [[noreturn]] void raise(const std::string& what) const;

 private:
  friend class BorrowedDatabase;
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Closer> handle_;
  std::string path_;
};

/// Another's connection, for as long as this lives.
class BorrowedDatabase {
 public:
  BorrowedDatabase(void* connection, std::string path);
  BorrowedDatabase(const BorrowedDatabase&) = delete;
  BorrowedDatabase& operator=(const BorrowedDatabase&) = delete;
  ~BorrowedDatabase() { database_.handle_.release(); }
  Database* operator->() const { return &database_; }

 private:
  mutable Database database_;
};

class Statement {
 public:
  Statement() = default;
  /// Throws std::runtime_error.
  Statement(const Database& db, std::string_view sql);

  void bind(int index, std::int64_t value) { sqlite3_bind_int64(handle_.get(), index, value); }
  /// The bytes must live until reset().
  void bind(int index, std::string_view bytes) {
    sqlite3_bind_blob64(handle_.get(), index, bytes.data(), bytes.size(), SQLITE_STATIC);
  }
  void bind_null(int index) { sqlite3_bind_null(handle_.get(), index); }
  bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }
  /// SQLITE_ROW, SQLITE_DONE or an extended error code.
  int step() { return sqlite3_step(handle_.get()); }
  /// Steps a statement without rows and makes it ready for the next time; SQLITE_DONE becomes SQLITE_OK.
  int run() {
    const int code = sqlite3_step(handle_.get());
    sqlite3_reset(handle_.get());
    return code == SQLITE_DONE ? SQLITE_OK : code;
  }
  void reset() { sqlite3_reset(handle_.get()); }
  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  /// Valid until the next step() or reset(), as blob().
  std::string_view text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    return text == nullptr ? std::string_view() : std::string_view(text);
  }
  std::string_view blob(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
    return {data,
            data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
  }

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> handle_;
};

}  // namespace market::sqlite
