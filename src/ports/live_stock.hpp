#pragma once
/// What the gate lets everybody see of each product, without asking it: terms, durable stock, and whether it
/// is sold out. Reads are lock-free on I/O threads; the gate's writer thread publishes after each commit.

#include <atomic>
#include <memory>

#include "domain/sale/order.hpp"
#include "domain/sale/product.hpp"

namespace market {

/// One product's live numbers; lives as long as the process.
struct LiveProduct {
  explicit LiveProduct(ProductId which) : id(which) {}
  const ProductId id;
  std::atomic<std::int64_t> remaining{0};
  std::atomic<std::int64_t> capacity{0};
  /// Rises with every change of stock or terms; what caches and streams compare.
  std::atomic<std::uint64_t> version{0};
};

/// A product as listed now.
struct ListedProduct {
  ProductTerms terms;
  std::shared_ptr<LiveProduct> live;
};

class LiveStock {
 public:
  virtual ~LiveStock() = default;
  /// Null when there is no such product. Withdrawn products are found and say so. Any thread, never blocks.
  /// Valid until the calling thread calls find() again: threads that ask for the same hot product share no
  /// counter of references.
  virtual const ListedProduct* find(ProductId id) const = 0;
  /// True while the gate replays the log after a failed commit: sales answer `recovering`.
  virtual bool recovering() const = 0;
  /// Whether an order with this key may exist already; false is certain. Any thread, never blocks.
  virtual bool may_know(RequestKey key) const = 0;
  /// may_know() of this key is asked next: what it needs from memory may be fetched meanwhile.
  virtual void prefetch(RequestKey) const {}
};

}  // namespace market
