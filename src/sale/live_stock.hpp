#pragma once
/// What every I/O thread may read of products without asking the gate (ports/live_stock.hpp).
///
/// Reads go through a copy of the product map that each thread keeps and refreshes when the map has changed:
/// one atomic load on the hot path, no lock. The map is cut into shards so that a change copies little.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <vector>

#include "domain/sale/sale_engine.hpp"
#include "ports/live_stock.hpp"
#include "sale/key_filter.hpp"

namespace market::sale {

class LiveStockTable final : public LiveStock {
 public:
  explicit LiveStockTable(const KeyFilter& keys);

  const ListedProduct* find(ProductId id) const override;
  bool recovering() const override { return recovering_.load(std::memory_order_acquire); }
  bool may_know(RequestKey key) const override { return keys_.may_contain(key); }
  void prefetch(RequestKey key) const override { keys_.prefetch(key); }

  // The gate's writer thread only.
  void set_recovering(bool recovering) { recovering_.store(recovering, std::memory_order_release); }
  /// Shows these products' durable numbers and terms.
  void publish(const SaleState& state, const std::vector<ProductId>& products);
  void publish_all(const SaleState& state);
  /// Ids of all products, for the catalogue at start. Any thread.
  std::vector<ProductId> ids() const;

 private:
  using Map = boost::unordered_flat_map<ProductId, std::shared_ptr<const ListedProduct>>;
  static constexpr std::size_t shard_count = 64;
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> version{1};
    mutable std::mutex mutex;  ///< Taken on a change and once per thread after it.
    std::shared_ptr<const Map> map = std::make_shared<const Map>();
  };
  struct ThreadCopy;
  static std::size_t shard_of(ProductId id) { return hash_value(id) >> 58; }
  const Map& current(std::size_t shard) const;

  const KeyFilter& keys_;
  const std::uint64_t table_id_;  ///< Tells this table from others in a thread's copies.
  std::array<Shard, shard_count> shards_;
  std::atomic<bool> recovering_{false};
};

}  // namespace market::sale
