#pragma once
/// SOCI sessions on SQLite files: how they are opened, checked, migrated, shared and how their errors read.
/// Heavy (includes SOCI); only .cpp files of this folder and their tests include it. SOCI puts SQLite's own
/// names into `sqlite_api`, so a file that includes this must not include <sqlite3.h> before it.

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

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

/// One step of a schema, never changed once released: single statements, run in one transaction.
using Migration = std::vector<std::string_view>;

/// Brings the file to the newest schema; the first of `migrations` makes schema `first`. Errors: throws
/// std::runtime_error when the file belongs to something else, is damaged, was written by a newer version, or
/// has a schema below `first` (none of them was released); nothing is changed then.
void migrate(soci::session& sql, const std::string& path, int application_id,
             std::span<const Migration> migrations, int first = 1);

/// What a file is before anything is changed in it: `fresh` is empty. Errors: throws as migrate() does.
struct FoundSchema {
  long long version = 0;
  bool fresh = false;
};
FoundSchema expect_schema(soci::session& sql, const std::string& path, int application_id,
                          std::span<const Migration> migrations, int first = 1);

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
