#pragma once
/// What everybody may see of each product, without asking the gate: terms, texts, live stock. It follows the
/// log, so that a page shows the price that is charged. Reads are lock-free on I/O threads; the writer's
/// thread publishes after each group that counts.

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "domain/sale/order.hpp"
#include "domain/sale/product.hpp"

namespace market {

/// One product's live numbers; lives as long as the process.
struct LiveStock {
  explicit LiveStock(ProductId which) : id(which) {}
  const ProductId id;
  std::atomic<std::int64_t> remaining{0};
  std::atomic<std::int64_t> capacity{0};
  /// Rises with every change of stock, terms or texts; what caches and streams compare.
  std::atomic<std::uint64_t> changes{0};
};

/// What a service keeps beside each product, made once for each version: its rendered page.
struct ProductPage {
  virtual ~ProductPage() = default;
};

struct ShownProduct {
  ProductId id;
  std::int64_t version = 1;
  ProductTerms terms;
  ProductTexts texts;
  Instant created_at{}, updated_at{};
  std::shared_ptr<LiveStock> live;
  std::shared_ptr<const ProductPage> page;
};
using ShownProductPtr = std::shared_ptr<const ShownProduct>;

class ProductBoard {
 public:
  virtual ~ProductBoard() = default;
  /// Null when there is no such product; withdrawn and unpublished ones are found and say so. Any thread,
  /// never blocks. Valid until the calling thread asks again: threads that ask for the same hot product share
  /// no counter of references.
  virtual const ShownProduct* find(ProductId id) const = 0;
  /// What it was called when it had that version; empty when unknown. Valid until the calling thread asks
  /// again.
  virtual std::string_view name_of(ProductId id, std::int64_t version) const = 0;
  /// The newest ones below `before` (none: from the newest), not withdrawn; at most `count`.
  virtual std::vector<ShownProductPtr> newest(ProductId before, std::size_t count) const = 0;
  /// All, newest first, not withdrawn: immutable, made anew after a change.
  virtual std::shared_ptr<const std::vector<ShownProductPtr>> all() const = 0;
  /// True while the log is read again after a failed commit: sales answer `recovering`.
  virtual bool recovering() const = 0;
  /// Whether an event with this key may exist already; false is certain. Any thread, never blocks.
  virtual bool may_know(RequestKey key) const = 0;
  /// may_know() of this key is asked next: what it needs from memory may be fetched meanwhile.
  virtual void prefetch(RequestKey) const {}
};

/// Waits until the board shows what the log knows now; none where it always does. Errors: unavailable.
using CatchUp = std::function<Task<>()>;

}  // namespace market
