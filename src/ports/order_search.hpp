#pragma once
/// The records of all buyers' orders, as operators and the calendar of deliveries ask for them; on a pool of
/// its own, so that no buyer waits for them. Behind the log, like all records.

#include <optional>
#include <vector>

#include "base/task.hpp"
#include "domain/sale/order_counts.hpp"
#include "ports/order_records.hpp"

namespace market {

/// An order and since when it is in its state.
struct WaitingOrder {
  Instant since{};
  OrderId id;
  friend auto operator<=>(const WaitingOrder&, const WaitingOrder&) = default;
};

struct OrderQuery {
  std::optional<OrderState> state;
  UserId user;        ///< None: any.
  ProductId product;  ///< None: any.
  OrderId before;     ///< Only ids below this one; none: from the newest.
  int limit = 20;
};

class OrderSearch {
 public:
  static constexpr int questions_max = 64;           ///< That wait for the thread.
  static constexpr int looked_through_max = 50'000;  ///< Orders of one page of search().

  virtual ~OrderSearch() = default;
  /// The paid, preparing, shipped or return_requested orders that have been in `state` since `until` or
  /// longer, behind `after`, those longest first; one whose money has gone back goes no further. Errors:
  /// unavailable, overloaded (as for all below).
  virtual Task<std::vector<WaitingOrder>> waiting(OrderState state, Instant until, WaitingOrder after,
                                                  int limit) = 0;
  virtual Task<FoundPage> search(OrderQuery query) = 0;
  virtual Task<OrderPtr> find(OrderId id) = 0;  ///< Null: the records have none.
  virtual Task<OrderCounts> count(ProductId product) = 0;
};

}  // namespace market
