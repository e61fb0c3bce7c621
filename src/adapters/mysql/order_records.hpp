#pragma once
/// ports/order_records.hpp, the reading side, on MySQL or MariaDB: a few connections on a bounded pool. Rows
/// and the place they are from are read in one statement.

#include "adapters/mysql/sessions.hpp"
#include "base/task_fair_pool.hpp"
#include "ports/order_records.hpp"

namespace market::mysql {

class MysqlOrderRecords final : public OrderRecords {
 public:
  /// The schema is that of a MysqlRecordFold; `pool` and `turns`, for what looks through a user's orders, are
  /// stopped before this ends. `sessions`: as many as both have threads. They connect when they are first
  /// needed.
  MysqlOrderRecords(const Server& server, BlockingPool& pool, FairPool& turns, unsigned sessions)
      : sessions_(server, sessions), pool_(pool), turns_(turns) {}

  Task<FoundOrder> find(OrderId id) override;
  Task<FoundKey> find_key(UserId user, RequestKey key, Instant since) override;
  Task<FoundOrders> list(UserId user, OrderFilter filter) override;
  /// Whether a product of this seller was not withdrawn, as far as the log is folded. Errors: unavailable,
  /// overloaded.
  Task<bool> has_products(UserId seller);

 private:
  Sessions sessions_;
  BlockingPool& pool_;
  FairPool& turns_;
};

}  // namespace market::mysql
