#include "adapters/sqlite/record_check.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "adapters/sqlite/look.hpp"
#include "adapters/sqlite/record_schema.hpp"
#include "base/must.hpp"

namespace market::sqlite {
namespace {

constexpr std::size_t batch_events = 16'384;

std::vector<std::string> texts(soci::session& sql, const std::string& query) {
  std::vector<std::string> found;
  std::string text;
  soci::statement rows = (sql.prepare << query, soci::into(text));
  rows.execute();
  while (rows.fetch()) found.push_back(text);
  return found;
}

std::string joined(const std::vector<std::string>& names, std::string_view prefix, std::string_view between) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += between;
    text += fmt::format("{}{}", prefix, name);
  }
  return text;
}

/// How many rows of `query`, and the first one's text.
std::string first_of(soci::session& sql, const std::string& query, std::string_view what) {
  long long count = 0;
  std::string first;
  soci::indicator there = soci::i_null;
  sql << fmt::format("SELECT count(*), min(row) FROM ({})", query), soci::into(count),
      soci::into(first, there);
  if (count == 0) return {};
  return fmt::format("{} {}{}", what, there == soci::i_ok ? first : "",
                     count == 1 ? "" : fmt::format(" ({} such)", count));
}

/// `kept` is the file, `main` what the log says.
std::string compare_table(soci::session& sql, const std::string& table) {
  const auto columns = texts(sql, fmt::format("SELECT name FROM pragma_table_info('{}')", table));
  const auto keys =
      texts(sql, fmt::format("SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk", table));
  if (columns.empty() || keys.empty()) return {};
  std::string same;
  for (const auto& key : keys)
    same += fmt::format("{}kept.{} IS anew.{}", same.empty() ? "" : " AND ", key, key);
  const std::string row = joined(keys, "anew.", " || '/' || "),
                    kept_row = joined(keys, "kept.", " || '/' || ");
  auto found =
      first_of(sql,
               fmt::format("SELECT {0} AS row FROM main.{1} AS anew LEFT JOIN kept.{1} AS kept ON {2} "
                           "WHERE kept.{3} IS NULL",
                           row, table, same, keys.front()),
               "missing:");
  if (found.empty())
    found = first_of(
        sql,
        fmt::format("SELECT {0} AS row FROM main.{1} AS anew JOIN kept.{1} AS kept ON {2} "
                    "WHERE ({3}) IS NOT ({4})",
                    row, table, same, joined(columns, "anew.", ", "), joined(columns, "kept.", ", ")),
        "different:");
  if (found.empty())
    found = first_of(sql,
                     fmt::format("SELECT {0} AS row FROM kept.{1} AS kept LEFT JOIN main.{1} AS anew ON {2} "
                                 "WHERE anew.{3} IS NULL",
                                 kept_row, table, same, keys.front()),
                     "not in the log:");
  return found;
}

/// How the lists of a buyer's orders are laid out depends on when they were folded: they are compared with
/// the orders beside them.
std::string compare_lists(soci::session& sql) {
  auto found = first_of(sql,
                        "SELECT u.order_id AS row FROM kept.user_orders u LEFT JOIN kept.orders o "
                        "ON o.id = u.order_id WHERE o.user_id IS NOT u.user_id",
                        "listed for somebody else:");
  if (!found.empty()) return found;
  return first_of(
      sql,
      "SELECT o.id AS row FROM kept.orders o WHERE o.id <= (SELECT ifnull(max(high_id), 0) FROM "
      "kept.segments) "
      "AND NOT EXISTS (SELECT 1 FROM kept.segments s CROSS JOIN kept.user_orders u ON u.segment = s.segment "
      "AND u.user_id = o.user_id AND u.order_id = o.id WHERE s.low_id <= o.id AND s.high_id >= o.id) "
      "AND NOT EXISTS (SELECT 1 FROM kept.late_orders l WHERE l.order_id = o.id)",
      "in nobody's list:");
}

bool is_layout(const std::string& table) {
  return table == "user_orders" || table == "segments" || table == "late_orders" || table == "position";
}

}  // namespace

RecordCheck::RecordCheck(files::ReadOnlyFolder& folder) : uri_(look_at(folder, "records.db")) {
  const std::string name = folder.file("records.db").string();
  const auto sql = open_session(uri_, SessionKind::looking);
  const auto found = expect_known_schema(*sql, name, records_schema);
  if (found.fresh) throw std::runtime_error(name + " is empty");
  try {
    long long hi = 0, lo = 0, generation = 0, place = 0;
    *sql << "SELECT log_place, log_hi, log_lo, log_generation FROM position", soci::into(place),
        soci::into(hi), soci::into(lo), soci::into(generation);
    place_ = place;
    log_ = LogId{static_cast<std::uint64_t>(hi), static_cast<std::uint64_t>(lo),
                 static_cast<std::uint32_t>(generation)};
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{} cannot be read: {}", name, plain_reason(error)));
  }
  std::error_code none;
  const auto size = std::filesystem::file_size(folder.file("records.db"), none);
  anew_path_ = folder.scratch_file("records-anew.db", none ? 0 : 2 * size).string();
  anew_ = std::make_unique<SqliteRecordFold>(anew_path_);
}

RecordCheck::~RecordCheck() = default;

void RecordCheck::see(const CountedEvents& events) {
  end_ = events->back().place;
  if (end_ > place_) return;
  waiting_.push_back(events);
  waiting_events_ += events->size();
  if (waiting_events_ >= batch_events) flush();
}

void RecordCheck::flush() {
  if (waiting_.empty()) return;
  folded_ = must(anew_->fold(folded_, waiting_));
  waiting_.clear();
  waiting_events_ = 0;
}

files::CheckResults RecordCheck::results() try {
  if (place_ > end_)
    return {
        {"the records are not ahead of the log",
         fmt::format("they know place {}, the log ends at {}: it has lost its newest events", place_, end_)}};
  flush();
  files::CheckResults results{{"the records are not ahead of the log", ""}};
  results.push_back({"the records end with a group of the log",
                     folded_ == place_ ? "" : fmt::format("{} instead of {}", place_, folded_)});
  const auto sql = open_session(anew_path_, SessionKind::reader);
  *sql << "ATTACH :kept AS kept", soci::use(uri_);
  for (const auto& table : texts(*sql, "SELECT name FROM main.sqlite_schema WHERE type = 'table'")) {
    if (is_layout(table) || table.starts_with("sqlite_")) continue;
    results.push_back(
        {fmt::format("the records' {} are the fold of the log", table), compare_table(*sql, table)});
  }
  results.push_back({"each buyer's list has the orders of the buyer", compare_lists(*sql)});
  return results;
} catch (const std::exception& error) {
  return {{"the records can be read", plain_reason(error)}};
}

}  // namespace market::sqlite
