#pragma once
/// What a database file is and how it came to be: refuses files of other programs and of newer versions, and
/// brings older ones up to date, each step in the one transaction that also writes its number.

#include <cstdint>
#include <span>
#include <string_view>

#include "adapters/sqlite/database.hpp"

namespace market::sqlite {

/// The first step makes schema `first`; each further one leads to the next. Steps are never edited once
/// released. Files of a schema before `first`, which was never released, are refused.
struct Schema {
  std::string_view holds;       ///< For messages: "the log".
  std::int32_t application_id;  ///< In the file's header; `file` and other tools show it.
  std::span<const char* const> steps;
  std::int64_t first = 1;
  std::int64_t newest() const { return first + static_cast<std::int64_t>(steps.size()) - 1; }
};

/// The four bytes of SQLite's header that say whose file it is: "Mk" and one letter for the kind.
constexpr std::int32_t application_id_of(char kind) {
  return ('M' << 24) | ('k' << 16) | ('t' << 8) | kind;
}

/// Throws std::runtime_error with one clear line that names the file and what to do.
void migrate(Database& db, const Schema& schema);
/// Only looks; for read-only connections. Throws as migrate() does, also for an empty or older file.
void expect_schema(Database& db, const Schema& schema);

/// The same, but an older file, which migrate() would bring up to date, is fine.
void expect_known_schema(Database& db, const Schema& schema);

}  // namespace market::sqlite
