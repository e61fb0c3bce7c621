#pragma once
/// Rows of SQLite tables to the same tables of MySQL and back, column by column, bytes as bytes.

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/mysql/session.hpp"
#include "adapters/sqlite/database.hpp"

namespace market::apps {

struct CopiedTable {
  struct Column {
    std::string name;
    bool is_number = false;
  };
  std::string name;
  std::vector<Column> columns;
};

/// How many rows, and a sum of them that does not depend on their order.
struct RowSum {
  std::int64_t rows = 0;
  std::uint64_t sum = 0;
  friend bool operator==(const RowSum&, const RowSum&) = default;
};

/// Of all but SQLite's own tables; throws std::runtime_error, as all below.
std::vector<CopiedTable> tables_of(const sqlite::Database& file);
CopiedTable table_of(const sqlite::Database& file, const std::string& name);
RowSum sum_of(const sqlite::Database& file, const CopiedTable& table);
RowSum sum_of(mysql::Session& server, const CopiedTable& table);

/// In one transaction; what was in the target before is gone.
void copy_to_server(const sqlite::Database& file, mysql::Session& server, const CopiedTable& table);
/// Rows come as they are, within the caller's transaction: the file's triggers must be away meanwhile.
void copy_to_file(mysql::Session& server, sqlite::Database& file, const CopiedTable& table);

/// One transaction in a file, without its triggers until commit(); else nothing has happened.
class WithoutTriggers {
 public:
  explicit WithoutTriggers(sqlite::Database& file);
  WithoutTriggers(const WithoutTriggers&) = delete;
  WithoutTriggers& operator=(const WithoutTriggers&) = delete;
  ~WithoutTriggers();
  void commit();

 private:
  sqlite::Database& file_;
  std::vector<std::string> made_by_;
  bool open_ = true;
};

}  // namespace market::apps
