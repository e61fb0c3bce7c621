#pragma once
/// What became of the orders of a product, for reports that are asked for again and again. Counting reads all
/// orders since the product was listed; so it is done once for all who ask at the same time, and after it,
/// for ten times as long as it took, the numbers are those of before.

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <mutex>

#include "ports/order_search.hpp"

namespace market::order {

struct CountedOrders {
  OrderCounts counts;
  Instant as_of{};
};

class SaleCounts {
 public:
  /// Products whose numbers are kept.
  static constexpr std::size_t kept_max = 256;
  static constexpr int rest_per_work = 10;

  SaleCounts(OrderSearch& search, const Clock& clock) : search_(search), clock_(clock) {}
  /// Errors: overloaded (it takes too long, too), unavailable.
  Task<std::shared_ptr<const CountedOrders>> of(ProductId product);

 private:
  struct Counting;
  struct Kept {
    std::shared_ptr<const CountedOrders> counted;
    Instant fresh_until{};
    bool counting = false;
  };
  /// What may be answered; null: somebody must count, `mine` when it is the one who asks.
  std::shared_ptr<const CountedOrders> kept(ProductId product, bool& mine);
  void keep(ProductId product, std::shared_ptr<const CountedOrders> counted, Instant fresh_until);

  OrderSearch& search_;
  const Clock& clock_;
  std::mutex mutex_;
  boost::unordered_flat_map<ProductId, Kept> kept_;
};

}  // namespace market::order
