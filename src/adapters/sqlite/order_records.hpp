#pragma once
/// ports/order_records.hpp, the reading side, on records.db: a few SOCI sessions on a bounded pool.

#include <memory>
#include <string>

#include "adapters/sqlite/user_order_index.hpp"
#include "base/task_fair_pool.hpp"
#include "ports/order_records.hpp"

namespace market::sqlite {

class SqliteOrderRecords final : public OrderRecords {
 public:
  /// The file must be open in a SqliteRecordFold, whose index this reads; `pool` and `turns`, for what looks
  /// through a user's orders, are stopped before this ends. `sessions`: as many as both have threads. Errors:
  /// throws std::runtime_error with one line.
  SqliteOrderRecords(const std::string& path, const UserOrderIndex& index, BlockingPool& pool,
                     FairPool& turns, unsigned sessions);
  ~SqliteOrderRecords() override;

  Task<FoundOrder> find(OrderId id) override;
  Task<FoundKey> find_key(UserId user, RequestKey key, Instant since) override;
  Task<FoundOrders> list(UserId user, OrderFilter filter) override;

 private:
  struct Readers;
  std::unique_ptr<Readers> readers_;
  BlockingPool& pool_;
  FairPool& turns_;
};

}  // namespace market::sqlite
