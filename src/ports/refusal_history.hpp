#pragma once
/// How often orders for a product were refused, for which reason and when: what a report says after a sale.
/// The log knows accepted orders only. Counts of the last moments before a crash may be missing.

#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/task.hpp"
#include "base/time.hpp"

namespace market {

/// Kept for so long after they were counted.
inline constexpr std::chrono::days refusals_kept_for{90};

struct RefusedOrders {
  ProductId product;
  Instant at{};        ///< The begin of its step.
  std::string reason;  ///< The `code` that buyers were given.
  std::int64_t count = 0;
  friend bool operator==(const RefusedOrders&, const RefusedOrders&) = default;
};

class RefusalHistory {
 public:
  virtual ~RefusalHistory() = default;
  /// Adds to what is there, all or nothing. Errors: unavailable, overloaded, insufficient_storage.
  virtual Task<> add(std::vector<RefusedOrders> refused) = 0;
  /// Oldest first. Errors: unavailable, overloaded.
  virtual Task<std::vector<RefusedOrders>> of(ProductId product) = 0;
  /// Forgets what was counted before. Errors: as add().
  virtual Task<> forget(Instant before) = 0;
};

}  // namespace market
