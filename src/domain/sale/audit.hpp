#pragma once
/// Folds a whole log, forgetting nothing, and watches the invariants at every event (DESIGN.md, Invariants).
/// For `market check`, tests and simulations; shares no state with the sequencer, only the fold of an order.

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>

#include "domain/sale/fold_order.hpp"
#include "domain/sale/overdue_holds.hpp"
#include "domain/sale/sale_state.hpp"

namespace market {

class Audit {
 public:
  /// `attempt_bound`: of the rules by which the log was written.
  explicit Audit(Millis attempt_bound = Millis(5'000)) : overdue_(attempt_bound) {}
  void see(const CountedEvent& counted);

  /// Each invariant and its first violation in words; empty: it held at every event.
  struct Finding {
    std::string invariant, violation;
  };
  std::vector<Finding> findings() const;
  /// Whether the sequencer's state is what the whole log says: stock, buyers, open work. Empty, or the first
  /// difference in words.
  std::string difference(const SaleState& state) const;

  Place place() const { return place_; }
  const boost::unordered_flat_map<OrderId, Order>& orders() const { return orders_; }
  struct Product {
    std::int64_t version = 1;
    ProductTerms terms;
    ProductTexts texts;
    std::int64_t capacity = 0, remaining = 0, live = 0, last_ticket = 0;
    boost::unordered_flat_map<UserId, std::int64_t> buyers;
  };
  const boost::unordered_flat_map<ProductId, Product>& products() const { return products_; }

 private:
  static constexpr std::chrono::hours key_life{24};
  void note(std::string& first, std::string what) const;
  void see_product(const CountedEvent& counted);
  void see_order(const CountedEvent& counted);
  void count_live(const Order& order, int sign);
  void check_tickets(const Order& order);
  void check_product(ProductId id, const Product& product);

  Place place_ = 0;
  boost::unordered_flat_map<OrderId, Order> orders_;
  boost::unordered_flat_map<ProductId, Product> products_;
  boost::unordered_flat_map<RequestKey, Instant> keys_;
  OverdueHolds overdue_;
  std::string gaps_, folding_, stock_, tickets_, bound_twice_, money_, limits_, steps_, held_;
};

}  // namespace market
