#include "adapters/sqlite/migrations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "adapters/sqlite/database.hpp"

namespace market::sqlite {

FoundSchema expect_known_schema(void* connection, const std::string& path, const Schema& schema) {
  const BorrowedDatabase db(connection, path);
  const auto owner = db->must_query("PRAGMA application_id");
  FoundSchema found;
  found.version = db->must_query("PRAGMA user_version");
  found.fresh = owner == 0 && found.version == 0 && db->must_query("SELECT count(*) FROM sqlite_schema") == 0;
  if (!found.fresh && owner != schema.application_id) {
    throw std::runtime_error(fmt::format(
        "{}: this file belongs to another program (application id {:#x}, {} has {:#x}); move it away", path,
        owner, schema.holds, schema.application_id));
  }
  if (!found.fresh && found.version < 1) {
    throw std::runtime_error(
        fmt::format("{}: {} has schema {}, which no program has written; restore a backup", path,
                    schema.holds, found.version));
  }
  if (found.version > schema.newest()) {
    throw std::runtime_error(fmt::format(
        "{}: {} was written by a newer version (schema {}, this one knows up to {}); start that version, or "
        "restore a backup",
        path, schema.holds, found.version, schema.newest()));
  }
  if (!found.fresh && found.version < schema.first) {
    throw std::runtime_error(
        fmt::format("{}: {} was written by a version before the first release (schema {}, this one reads "
                    "from {}); make a "
                    "new store",
                    path, schema.holds, found.version, schema.first));
  }
  return found;
}

void expect_newest_schema(void* connection, const std::string& path, const Schema& schema) {
  const auto found = expect_known_schema(connection, path, schema);
  if (found.version == schema.newest()) return;
  throw std::runtime_error(
      fmt::format("{}: {} has an older schema ({}); start `market serve` once to bring it up to date", path,
                  schema.holds, found.version));
}

void migrate(void* connection, const std::string& path, const Schema& schema) {
  if (expect_known_schema(connection, path, schema).version == schema.newest()) return;
  const BorrowedDatabase db(connection, path);
  db->must_execute("BEGIN IMMEDIATE");
  try {
    // Looked at again under the lock: another process may have been quicker.
    const auto there = expect_known_schema(connection, path, schema).version;
    for (auto next = std::max(schema.first, there + 1); next <= schema.newest(); ++next) {
      for (const auto statement : schema.steps[static_cast<std::size_t>(next - schema.first)])
        db->must_execute(std::string(statement).c_str());
      db->must_execute(fmt::format("PRAGMA user_version = {}", next).c_str());
    }
    db->must_execute(fmt::format("PRAGMA application_id = {}", schema.application_id).c_str());
    db->must_execute("COMMIT");
  } catch (...) {
    db->execute("ROLLBACK");
    throw;
  }
}

}  // namespace market::sqlite
