#pragma once
/// Orders as pages read them: the records with everything newer laid over them, so an order is seen at once.

#include "ports/order_records.hpp"

namespace market {

class OrderReader {
 public:
  virtual ~OrderReader() = default;
  /// Errors: order_not_found (also when it is another user's), unavailable, overloaded.
  virtual Task<OrderPtr> find(UserId user, OrderId id) = 0;
  /// Newest first. Errors: unavailable, overloaded.
  virtual Task<FoundPage> list(UserId user, OrderFilter filter) = 0;
};

}  // namespace market
