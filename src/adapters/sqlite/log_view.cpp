#include "adapters/sqlite/log_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/look.hpp"
#include "adapters/sqlite/migrations.hpp"

namespace market::sqlite {

SqliteLogView::SqliteLogView(files::ReadOnlyFolder& folder)
    : name_(folder.file("log.db").string()),
      db_(Database::open(look_at(folder, "log.db"), Database::Mode::read_only)) {
  db_.call_it(name_);
  expect_newest_schema(db_.handle(), name_, log_schema);
  last_ = db_.must_query("SELECT ifnull(max(offset), 0) FROM records");
}

SqliteLogView::SqliteLogView(const std::filesystem::path& log)
    : name_(log.string()), db_(Database::open(name_, Database::Mode::read_only)), may_grow_(true) {
  expect_newest_schema(db_.handle(), name_, log_schema);
}

Result<Offset> SqliteLogView::append(std::string_view) {
  return fail(Code::unavailable, name_ + " is only looked at");
}

Result<Offset> SqliteLogView::end() {
  return last_ + 1;
}

Result<> SqliteLogView::read(Offset from, const std::function<bool(Offset, std::string_view)>& each) try {
  if (may_grow_) last_ = db_.must_query("SELECT ifnull(max(offset), 0) FROM records");
  Statement rows(db_, "SELECT offset, data FROM records WHERE offset >= ? ORDER BY offset");
  rows.bind(1, std::max<Offset>(from, 1));
  for (Offset next = std::max<Offset>(from, 1); next <= last_; ++next) {
    const int code = rows.step();
    if (code != SQLITE_ROW)
      return fail(Code::internal, fmt::format("{}: is damaged at record {} or behind it", name_, next));
    if (rows.integer(0) != next)
      return fail(Code::internal, fmt::format("{}: record {} is missing", name_, next));
    if (!each(next, rows.blob(1))) break;
  }
  return {};
} catch (const std::runtime_error& error) {
  return fail(Code::internal, error.what());
}

}  // namespace market::sqlite
