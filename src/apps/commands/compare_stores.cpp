// Whether two stores hold the same: what `market check --same-as` says after a move.
#include <fmt/format.h>

#include <map>
#include <set>

#include "adapters/files/folder_walk.hpp"
#include "adapters/sqlite/log_view.hpp"
#include "adapters/sqlite/look.hpp"
#include "apps/commands/shared_check.hpp"
#include "apps/commands/table_copy.hpp"
#include "wire/events/record_codec.hpp"

namespace market::apps {
namespace {

using files::ReadOnlyFolder;

constexpr auto payments_file = "payments.db";

std::vector<std::uint64_t> sums_of_log(ReadOnlyFolder& folder) {
  sqlite::SqliteLogView log(folder);
  std::vector<std::uint64_t> sums;
  const auto read = log.read(1, [&](Offset, std::string_view record) {
    sums.push_back(wire::record_checksum(record));
    return true;
  });
  if (!read) throw std::runtime_error(read.error().detail);
  return sums;
}

std::string compare_logs(ReadOnlyFolder& one, ReadOnlyFolder& other) {
  const auto here = sums_of_log(one), there = sums_of_log(other);
  const auto [differs, in_other] = std::mismatch(here.begin(), here.end(), there.begin(), there.end());
  if (differs == here.end() && in_other == there.end()) return {};
  return fmt::format("{} records here, {} there; the first that is not the same is at {}", here.size(),
                     there.size(), differs - here.begin() + 1);
}

std::map<std::string, RowSum> sums_of_rows(ReadOnlyFolder& folder, const std::string& file) {
  std::map<std::string, RowSum> sums;
  if (!folder.has(file)) return sums;
  const auto database =
      sqlite::Database::open(sqlite::look_at(folder, file), sqlite::Database::Mode::read_only);
  for (const CopiedTable& table : tables_of(database)) sums[table.name] = sum_of(database, table);
  if (file == payments_file) sums.erase("store");  // Whose book it is: it is checked as such.
  return sums;
}

std::string compare_rows(ReadOnlyFolder& one, ReadOnlyFolder& other, const std::string& file) {
  files::Differences wrong;
  const auto here = sums_of_rows(one, file);
  auto there = sums_of_rows(other, file);
  for (const auto& [table, sum] : here) {
    const RowSum found = std::exchange(there[table], sum);
    if (found != sum)
      wrong.note(fmt::format("{}: {} rows here, {} there{}", table, sum.rows, found.rows,
                             sum.rows == found.rows ? ", not the same" : ""));
  }
  for (const auto& [table, sum] : there)
    if (sum.rows != 0 && !here.contains(table)) wrong.note(fmt::format("{} is there alone", table));
  return wrong.text();
}

std::set<std::string> pictures_in(const ReadOnlyFolder& folder) {
  std::set<std::string> names;
  const auto add = [&names](const std::filesystem::directory_entry& entry) {
    if (entry.is_regular_file() && entry.path().extension() != ".tmp")
      names.insert(entry.path().filename().string());
    return true;
  };
  if (folder.has("pictures"))
    files::walk(folder.file("pictures"), std::filesystem::directory_options::none, add);
  return names;
}

}  // namespace

files::CheckResults compare_stores(ReadOnlyFolder& one, ReadOnlyFolder& other) try {
  return {{"both have the same log, record by record", compare_logs(one, other)},
          {"both have the same rows", compare_rows(one, other, "main.db")},
          {"both have the same charges", compare_rows(one, other, payments_file)},
          {"both have the same pictures",
           pictures_in(one) == pictures_in(other) ? "" : "some are on one side alone"}};
} catch (const std::exception& error) {
  return {{"the two stores can be compared", error.what()}};
}

}  // namespace market::apps
