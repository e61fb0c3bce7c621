#include "adapters/sqlite/look.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "adapters/sqlite/database.hpp"

namespace market::sqlite {

std::string look_at(files::ReadOnlyFolder& folder, std::string_view name) {
  const auto readable = folder.database(name);
  if (!readable.copied) return files::immutable_uri(readable.file);
  // `immutable` would overlook the WAL: it is brought into the copy first.
  auto copy = Database::open(readable.file.string(), Database::Mode::existing);
  Statement checkpoint(copy, "PRAGMA wal_checkpoint(TRUNCATE)");
  if (checkpoint.step() != SQLITE_ROW || checkpoint.integer(0) != 0)
    throw std::runtime_error(
        fmt::format("{}: what its WAL holds cannot be read; restore a backup", folder.file(name).string()));
  checkpoint.reset();
  return files::immutable_uri(readable.file);
}

std::string damage_of(const std::string& uri, std::string_view name) try {
  auto db = Database::open(uri, Database::Mode::read_only);
  for (const char* look : {"PRAGMA integrity_check(1)", "PRAGMA foreign_key_check"}) {
    Statement rows(db, look);
    const int code = rows.step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return fmt::format("{} is damaged", name);
    const auto said = code == SQLITE_ROW ? std::string(rows.text(0)) : std::string("ok");
    if (said != "ok") return fmt::format("{}: {}", name, said);
  }
  return {};
} catch (const std::exception& error) {
  return fmt::format("{} is damaged: {}", name, error.what());
}

}  // namespace market::sqlite
