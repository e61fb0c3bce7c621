#include "adapters/sqlite/migrations.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace market::sqlite {
namespace {

struct Found {
  std::int64_t version = 0;
  bool empty = false;
};

Found look(Database& db, const Schema& schema) {
  const auto owner = db.must_query("PRAGMA application_id");
  Found found;
  found.version = db.must_query("PRAGMA user_version");
  found.empty = owner == 0 && found.version == 0 && db.must_query("SELECT count(*) FROM sqlite_schema") == 0;
  if (!found.empty && owner != schema.application_id) {
    throw std::runtime_error(fmt::format(
        "{}: this file belongs to another program (application id {:#x}, {} has {:#x}); move it away",
        db.path(), owner, schema.holds, schema.application_id));
  }
  const auto known = static_cast<std::int64_t>(schema.steps.size());
  if (found.version > known || found.version < 0) {
    throw std::runtime_error(fmt::format(
        "{}: {} was written by a newer version (schema {}, this one knows up to {}); start that version",
        db.path(), schema.holds, found.version, known));
  }
  return found;
}

}  // namespace

void migrate(Database& db, const Schema& schema) {
  const auto known = static_cast<std::int64_t>(schema.steps.size());
  if (look(db, schema).version == known) return;
  db.must_execute("BEGIN IMMEDIATE");
  // Looked at again under the lock: another process may have been quicker.
  for (auto version = look(db, schema).version; version < known; ++version) {
    db.must_execute(schema.steps[static_cast<std::size_t>(version)]);
    db.must_execute(fmt::format("PRAGMA user_version = {}", version + 1).c_str());
  }
  db.must_execute(fmt::format("PRAGMA application_id = {}", schema.application_id).c_str());
  db.must_execute("COMMIT");
}

void expect_schema(Database& db, const Schema& schema) {
  const auto found = look(db, schema);
  if (found.version == static_cast<std::int64_t>(schema.steps.size())) return;
  throw std::runtime_error(
      fmt::format("{}: {} has an older schema ({}); start `market serve` once to bring it up to date",
                  db.path(), schema.holds, found.version));
}

}  // namespace market::sqlite
