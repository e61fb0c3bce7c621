#pragma once
/// The report of a sale as operators see it.

#include <string>
#include <vector>

#include "ports/refusal_history.hpp"
#include "services/order/sale_counts.hpp"

namespace market::order {

struct SaleReport {
  ProductId product;
  Currency currency;
  std::int64_t capacity = 0, remaining = 0;
  const CountedOrders& orders;
  const std::vector<RefusedOrders>& refused;  ///< Oldest first.
};

/// JSON, whole.
std::string sale_report_page(const SaleReport& report);

}  // namespace market::order
