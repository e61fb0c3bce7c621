#include "apps/commands/rows_of_one_moment.hpp"

#include "adapters/mysql/schema.hpp"

namespace market::apps {

RowsOfOneMoment::RowsOfOneMoment(const mysql::Server& server) : session_(server) {
  mysql::expect_newest_schema(session_);
  session_.stay_connected();  // It may rest between two tables.
  session_.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  session_.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
}

}  // namespace market::apps
