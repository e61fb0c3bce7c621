#pragma once
/// A prepared statement without an answer, of SQLite's own interface on a SOCI session: for what is written
/// once per order, where SOCI's copies cost as much as SQLite (docs/decisions/0003-records-indexes.md).

#include <string>
#include <string_view>

#include "adapters/sqlite/sql_session.hpp"

namespace market::sqlite {

class BulkStatement {
 public:
  /// Errors: throws soci::sqlite3_soci_error, as run().
  BulkStatement(soci::session& sql, const std::string& text) : connection_(handle_of(sql)) {
    expect(sqlite_api::sqlite3_prepare_v3(connection_, text.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                                          &statement_, nullptr),
           SQLITE_OK);
  }
  BulkStatement(const BulkStatement&) = delete;
  BulkStatement& operator=(const BulkStatement&) = delete;
  ~BulkStatement() { sqlite_api::sqlite3_finalize(statement_); }

  void bind(int index, long long value) { sqlite_api::sqlite3_bind_int64(statement_, index, value); }
  /// The text must live until run().
  void bind(int index, std::string_view text) {
    sqlite_api::sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                                  SQLITE_STATIC);
  }
  void run() {
    const int code = sqlite_api::sqlite3_step(statement_);
    sqlite_api::sqlite3_reset(statement_);
    expect(code, SQLITE_DONE);
  }

 private:
  void expect(int code, int wanted) const {
    if (code != wanted) throw soci::sqlite3_soci_error(sqlite_api::sqlite3_errmsg(connection_), code);
  }

  sqlite_api::sqlite3* connection_;
  sqlite_api::sqlite3_stmt* statement_ = nullptr;
};

}  // namespace market::sqlite
