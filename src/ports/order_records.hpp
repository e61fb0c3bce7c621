#pragma once
/// The records of orders: what lists and old pages read. Folded from the log in bulk, always behind it, and
/// rebuilt from it at will.

#include <optional>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "domain/sale/event.hpp"
#include "domain/sale/sale_engine.hpp"

namespace market {

/// An answer of the records and the log position up to which they were folded when it was read.
struct FoundOrder {
  OrderPtr order;  ///< Null: the records have none.
  Position as_of = 0;
};
struct FoundOrders {
  std::vector<OrderPtr> orders;  ///< Newest first (falling id).
  Position as_of = 0;
};
struct OrderFilter {
  std::optional<OrderState> state;
  OrderId before;  ///< Only ids below this one; none: from the newest.
  int limit = 20;
};

/// Reads; any I/O thread (the SQL runs on the adapter's own bounded pool).
class OrderRecords {
 public:
  virtual ~OrderRecords() = default;
  /// Errors: unavailable, overloaded.
  virtual Task<FoundOrder> find(OrderId id) = 0;
  /// The order of `user` that was accepted with `key` since `since`. Errors: unavailable, overloaded.
  virtual Task<FoundOrder> find_by_key(UserId user, RequestKey key, Instant since) = 0;
  /// Errors: unavailable, overloaded.
  virtual Task<FoundOrders> list(UserId user, OrderFilter filter) = 0;
};

/// The writing side; blocking, called by the one fold thread only.
class OrderFold {
 public:
  virtual ~OrderFold() = default;
  /// Stores these orders as they are after `through` (the newest value of each; an id at most once) and
  /// remembers `through`, all in one transaction. Errors: unavailable (repeat).
  virtual Result<> store(std::span<const OrderPtr> orders, Position through) = 0;
  /// How far the records are. Errors: unavailable.
  virtual Result<Position> position() = 0;
  /// One order as recorded, for folding the log's tail at start. Errors: unavailable.
  virtual Result<OrderPtr> load(OrderId id) = 0;
};

}  // namespace market
