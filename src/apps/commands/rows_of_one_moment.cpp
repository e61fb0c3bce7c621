#include "apps/commands/rows_of_one_moment.hpp"

#include "adapters/mysql/schema.hpp"

namespace market::apps {

RowsOfOneMoment::RowsOfOneMoment(const mysql::Server& server) : session_(server) {
  mysql::expect_newest_schema(session_);
  // The server ends transactions that rest; this one may, between two tables.
  try_to("SET SESSION idle_transaction_timeout = 0");
  try_to("SET SESSION wait_timeout = 3600");
  session_.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  session_.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
}

void RowsOfOneMoment::try_to(const char* setting) try {
  session_.execute(setting);
} catch (const mysql::Failure& failure) {
  if (!failure.is_unknown_setting()) throw;
}

}  // namespace market::apps
