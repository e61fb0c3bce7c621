#include "adapters/sqlite/whole_store.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/files.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/log.hpp"
#include "wire/events/record_codec.hpp"

namespace market::sqlite {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_missing(const fs::path& file, std::string_view beside) {
  throw std::runtime_error(fmt::format("{} is missing beside {}; restore a backup", file.string(), beside));
}

[[noreturn]] void refuse_foreign(const fs::path& file) {
  throw std::runtime_error(fmt::format(
      "{} belongs to another store than log.db; put the right one of the two back, or restore a backup",
      file.string()));
}

bool has_table(Database& db, std::string_view name) {
  return db.must_query(fmt::format("SELECT count(*) FROM sqlite_master WHERE name = '{}'", name).c_str()) > 0;
}

LogId id_in(const Statement& row, int column) {
  return {static_cast<std::uint64_t>(row.integer(column)),
          static_cast<std::uint64_t>(row.integer(column + 1)), 0};
}

struct Begin {
  bool any = false;
  LogId id;  ///< Of the first record, an Open.
};

Begin begin_of(const fs::path& file) {
  auto log = Database::open(file.string(), Database::Mode::existing);
  if (expect_known_schema(log.handle(), file.string(), log_schema).fresh) return {};
  Statement first(log, "SELECT data FROM records ORDER BY offset LIMIT 1");
  if (first.step() != SQLITE_ROW) return {};
  const auto record = wire::decode_record(first.blob(0));
  const auto* open = record ? std::get_if<wire::Open>(&*record) : nullptr;
  return {true, open ? LogId{open->log.hi, open->log.lo, 0} : LogId{}};
}

}  // namespace

WholeStore expect_whole_store(const fs::path& data) {
  files::expect_finished(data);
  const auto log = data / "log.db", main_file = data / "main.db";
  const bool has_main = files::has_bytes(main_file);
  if (!files::has_bytes(log)) {
    if (has_main) refuse_missing(log, "main.db");
    return {};
  }
  const Begin begin = begin_of(log);
  if (!has_main) {
    if (begin.any) refuse_missing(main_file, "log.db");
    return {};  // A first start was killed.
  }
  WholeStore store{begin.id, {}};
  auto main = Database::open(main_file.string(), Database::Mode::existing);
  if (!has_table(main, "key_checks")) return store;
  Statement ids(main, "SELECT id_hi, id_lo FROM store");
  if (ids.step() == SQLITE_ROW && begin.id && id_in(ids, 0) && id_in(ids, 0) != begin.id)
    refuse_foreign(main_file);
  Statement rows(main, "SELECT name, value FROM key_checks");
  while (rows.step() == SQLITE_ROW) store.key_checks[std::string(rows.text(0))] = rows.text(1);
  for (const auto& [name, value] : store.key_checks)
    if (name.ends_with(".db") && !files::has_bytes(data / name)) refuse_missing(data / name, "main.db");
  return store;
}

void expect_records_of(const fs::path& data, const LogId& store) {
  const auto file = data / "records.db";
  if (!store || !files::has_bytes(file)) return;
  auto records = Database::open(file.string(), Database::Mode::existing);
  if (!has_table(records, "position")) return;
  Statement position(records, "SELECT log_hi, log_lo FROM position");
  if (position.step() == SQLITE_ROW && id_in(position, 0) && id_in(position, 0) != store)
    throw std::runtime_error(fmt::format(
        "{} belongs to another log than log.db; put the right one back, or restore a backup (records of this "
        "log are made anew when there are none)",
        file.string()));
}

}  // namespace market::sqlite
