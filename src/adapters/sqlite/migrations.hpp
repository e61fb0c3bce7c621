#pragma once
/// What a database file is and how it came to be: refuses files of other programs and of newer versions, and
/// brings older ones up to date, each step in the one transaction that also writes its number.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace market::sqlite {

/// One step of a schema, never changed once released: single statements, run in one transaction.
using Migration = std::vector<std::string_view>;

/// The first step makes schema `first`; each further one leads to the next. Files of a schema before `first`,
/// which was never released, are refused.
struct Schema {
  std::string_view holds;       ///< For messages: "the log".
  std::int32_t application_id;  ///< In the file's header; `file` and other tools show it.
  std::span<const Migration> steps;
  std::int64_t first = 1;
  std::int64_t newest() const { return first + static_cast<std::int64_t>(steps.size()) - 1; }
};

/// The four bytes of SQLite's header that say whose file it is: "Mkt" and one letter for the kind.
constexpr std::int32_t application_id_of(char kind) {
  return ('M' << 24) | ('k' << 16) | ('t' << 8) | kind;
}

/// What a file is before anything is changed in it.
struct FoundSchema {
  std::int64_t version = 0;
  bool fresh = false;  ///< It is empty.
};

// `connection` is SQLite's handle, whoever opened it: SOCI has a name of its own for the type. All throw
// std::runtime_error with one line that names the file and says what to do; nothing is changed then.

/// A file that migrate() would take, also an empty or older one.
FoundSchema expect_known_schema(void* connection, const std::string& path, const Schema& schema);
/// Of the newest schema only.
void expect_newest_schema(void* connection, const std::string& path, const Schema& schema);
void migrate(void* connection, const std::string& path, const Schema& schema);

}  // namespace market::sqlite
