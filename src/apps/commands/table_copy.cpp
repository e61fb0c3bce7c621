#include "apps/commands/table_copy.hpp"

#include <fmt/format.h>

#include <functional>
#include <optional>

#include "base/checksum.hpp"
#include "base/text.hpp"

namespace market::apps {
namespace {

using Values = std::vector<std::optional<std::string>>;
using Use = std::function<void(const Values&)>;

std::string column_list(const CopiedTable& table) {
  std::string list;
  for (const auto& column : table.columns) list += (list.empty() ? "`" : ", `") + column.name + '`';
  return list;
}

std::string select_all(const CopiedTable& table) {
  return fmt::format("SELECT {} FROM `{}`", column_list(table), table.name);
}

void each_row(const sqlite::Database& file, const CopiedTable& table, const Use& use) {
  sqlite::Statement rows(file, select_all(table));
  Values values(table.columns.size());
  int code = SQLITE_ROW;
  while ((code = rows.step()) == SQLITE_ROW) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int column = static_cast<int>(i);
      if (rows.is_null(column))
        values[i].reset();
      else if (table.columns[i].is_number)
        values[i] = std::to_string(rows.integer(column));
      else
        values[i] = std::string(rows.blob(column));
    }
    use(values);
  }
  if (code != SQLITE_DONE) file.raise("cannot be read");
}

void each_row(mysql::Session& server, const CopiedTable& table, const Use& use) {
  Values values(table.columns.size());
  server.each_row(select_all(table), [&](const mysql::Row& row) {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (row.is_null(i))
        values[i].reset();
      else
        values[i] = row.text(i);
    use(values);
  });
}

template <class Source>
RowSum sum_of_rows(Source& source, const CopiedTable& table) {
  RowSum sum;
  each_row(source, table, [&sum](const Values& values) {
    std::string bytes;
    for (const auto& value : values)
      bytes += value ? fmt::format("{}:{}", value->size(), *value) : std::string("-");
    ++sum.rows;
    sum.sum += checksum(bytes);
  });
  return sum;
}

/// Digits say bytes whatever the connection's character set is.
std::string literal(const CopiedTable::Column& column, const std::optional<std::string>& value) {
  if (!value) return "NULL";
  return column.is_number ? *value : "x'" + to_hex(*value) + '\'';
}

}  // namespace

CopiedTable table_of(const sqlite::Database& file, const std::string& name) {
  CopiedTable table{name, {}};
  sqlite::Statement columns(file, fmt::format("PRAGMA table_info(`{}`)", name));
  while (columns.step() == SQLITE_ROW)
    table.columns.push_back({std::string(columns.text(1)), columns.text(2) == "INTEGER"});
  if (table.columns.empty()) throw std::runtime_error(fmt::format("{} has no table {}", file.path(), name));
  return table;
}

std::vector<CopiedTable> tables_of(const sqlite::Database& file) {
  std::vector<std::string> names;
  sqlite::Statement rows(file,
                         "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  while (rows.step() == SQLITE_ROW) names.emplace_back(rows.text(0));
  std::vector<CopiedTable> tables;
  for (const std::string& name : names) tables.push_back(table_of(file, name));
  return tables;
}

RowSum sum_of(const sqlite::Database& file, const CopiedTable& table) {
  return sum_of_rows(file, table);
}
RowSum sum_of(mysql::Session& server, const CopiedTable& table) {
  return sum_of_rows(server, table);
}

void copy_to_server(const sqlite::Database& file, mysql::Session& server, const CopiedTable& table) {
  constexpr std::size_t statement_bytes_max = 1 << 20;
  server.begin_use();
  mysql::Transaction all(server);
  server.execute(fmt::format("DELETE FROM `{}`", table.name));
  const auto insert = fmt::format("INSERT INTO `{}`({}) VALUES ", table.name, column_list(table));
  std::string rows;
  const auto send = [&] {
    if (!rows.empty()) server.execute(insert + rows);
    rows.clear();
  };
  each_row(file, table, [&](const Values& values) {
    std::string row;
    for (std::size_t i = 0; i < values.size(); ++i)
      row += (i == 0 ? "(" : ",") + literal(table.columns[i], values[i]);
    rows += (rows.empty() ? "" : ",") + row + ')';
    if (rows.size() >= statement_bytes_max) send();
  });
  send();
  all.commit();
}

void copy_to_file(mysql::Session& server, sqlite::Database& file, const CopiedTable& table) {
  file.must_execute(fmt::format("DELETE FROM `{}`", table.name).c_str());
  std::string places;
  for (const auto& column : table.columns)
    places +=
        fmt::format("{}CAST(? AS {})", places.empty() ? "" : ", ", column.is_number ? "INTEGER" : "TEXT");
  sqlite::Statement insert(
      file, fmt::format("INSERT INTO `{}`({}) VALUES({})", table.name, column_list(table), places));
  each_row(server, table, [&](const Values& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i])
        insert.bind(static_cast<int>(i) + 1, std::string_view(*values[i]));
      else
        insert.bind_null(static_cast<int>(i) + 1);
    }
    if (insert.run() != SQLITE_OK) file.raise("cannot be written");
  });
}

WithoutTriggers::WithoutTriggers(sqlite::Database& file) : file_(file) {
  file_.must_execute("BEGIN IMMEDIATE");
  std::vector<std::string> names;
  {
    sqlite::Statement triggers(file_, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
    while (triggers.step() == SQLITE_ROW) {
      names.emplace_back(triggers.text(0));
      made_by_.emplace_back(triggers.text(1));
    }
  }
  for (const std::string& name : names) file_.must_execute(fmt::format("DROP TRIGGER `{}`", name).c_str());
}

void WithoutTriggers::commit() {
  for (const std::string& sql : made_by_) file_.must_execute(sql.c_str());
  file_.must_execute("COMMIT");
  open_ = false;
}

WithoutTriggers::~WithoutTriggers() {
  if (open_) file_.execute("ROLLBACK");
}

}  // namespace market::apps
