#include "adapters/sqlite/migrations.hpp"

#include <fmt/format.h>

#include <algorithm>
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
  if (found.version < 0) {
    throw std::runtime_error(
        fmt::format("{}: {} has schema {}, which no program has written; restore a backup", db.path(),
                    schema.holds, found.version));
  }
  if (found.version > schema.newest()) {
    throw std::runtime_error(fmt::format(
        "{}: {} was written by a newer version (schema {}, this one knows up to {}); start that version",
        db.path(), schema.holds, found.version, schema.newest()));
  }
  if (!found.empty && found.version < schema.first) {
    throw std::runtime_error(fmt::format(
        "{}: {} was written by a version before the first release (schema {}, this one reads from "
        "{}); make a new store",
        db.path(), schema.holds, found.version, schema.first));
  }
  return found;
}

}  // namespace

void migrate(Database& db, const Schema& schema) {
  if (look(db, schema).version == schema.newest()) return;
  db.must_execute("BEGIN IMMEDIATE");
  // Looked at again under the lock: another process may have been quicker.
  const auto there = look(db, schema).version;
  for (auto next = std::max(schema.first, there + 1); next <= schema.newest(); ++next) {
    db.must_execute(schema.steps[static_cast<std::size_t>(next - schema.first)]);
    db.must_execute(fmt::format("PRAGMA user_version = {}", next).c_str());
  }
  db.must_execute(fmt::format("PRAGMA application_id = {}", schema.application_id).c_str());
  db.must_execute("COMMIT");
}

void expect_known_schema(Database& db, const Schema& schema) {
  look(db, schema);
}

void expect_schema(Database& db, const Schema& schema) {
  const auto found = look(db, schema);
  if (found.version == schema.newest()) return;
  throw std::runtime_error(
      fmt::format("{}: {} has an older schema ({}); start `market serve` once to bring it up to date",
                  db.path(), schema.holds, found.version));
}

}  // namespace market::sqlite
