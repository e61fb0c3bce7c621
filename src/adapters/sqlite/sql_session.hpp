#pragma once
/// SOCI sessions on SQLite files: how they are opened, checked, migrated, shared and how their errors read.
/// Heavy (includes SOCI); only .cpp files of this folder and their tests include it. SOCI puts SQLite's own
/// names into `sqlite_api`, so a file that includes this must not include <sqlite3.h> before it.

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <memory>
#include <string>
#include <vector>

#include "adapters/sqlite/migrations.hpp"
#include "base/result.hpp"

namespace market::sqlite {

enum class SessionKind {
  durable_writer,  ///< synchronous=FULL: a commit is on the disk.
  bulk_writer,     ///< synchronous=NORMAL: a power cut may lose the newest commits, never the order of them.
  reader,
  looking,  ///< By the answer of look_at(); nothing can be written.
};

/// Errors: throws std::runtime_error with one line that names the file.
std::unique_ptr<soci::session> open_session(const std::string& path, SessionKind kind);

/// As in migrations.hpp; migrate() also turns the write-ahead log on, once the file is known to be ours.
FoundSchema expect_known_schema(soci::session& sql, const std::string& path, const Schema& schema);
void migrate(soci::session& sql, const std::string& path, const Schema& schema);

/// Executes it for one row; false: there is none. Reads to the end: a statement left at a row would hold its
/// snapshot and with it the write-ahead log.
bool read_one_row(soci::statement& statement);

sqlite_api::sqlite3* handle_of(soci::session& sql);
/// The SQLite result code of an exception, 0 if it has none.
int sqlite_code_of(const std::exception& error);
/// SOCI repeats the whole statement in its message; operators and buyers are shown SQLite's words alone.
std::string plain_reason(const std::exception& error);
/// insufficient_storage for a full disk, else unavailable; the text is for the developer.
Error error_of(const std::exception& error, std::string_view doing);

/// Rolls back unless committed.
class Transaction {
 public:
  Transaction(soci::session& sql, const char* begin) : sql_(sql) { sql_ << begin; }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  soci::session& sql_;
  bool open_ = true;
};

}  // namespace market::sqlite
