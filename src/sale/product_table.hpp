#pragma once
/// ports/product_board.hpp as a follower of the log: products whole, in memory.
///
/// One look costs an atomic load and a look-up: each thread keeps a copy of the shards' maps and refreshes a
/// copy when its shard has changed. Lists read one sorted map under a shared lock.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "domain/sale/sale_state.hpp"
#include "ports/order_records.hpp"
#include "ports/product_board.hpp"
#include "ports/shared_stock.hpp"
#include "sale/key_filter.hpp"

namespace market::sale {

class ProductTable final : public ProductBoard {
 public:
  /// Makes what a service keeps beside each product; called by the writer's thread.
  using Render = std::function<std::shared_ptr<const ProductPage>(const ShownProduct&)>;
  ProductTable(const KeyFilter& keys, Render render);

  const ShownProduct* find(ProductId id) const override;
  std::string_view name_of(ProductId id, std::int64_t version) const override;
  std::vector<ShownProductPtr> newest(ProductId before, std::size_t count) const override;
  std::shared_ptr<const std::vector<ShownProductPtr>> all() const override;
  bool recovering() const override { return recovering_.load(std::memory_order_acquire); }
  bool may_know(RequestKey key) const override { return keys_.may_contain(key); }
  void prefetch(RequestKey key) const override { keys_.prefetch(key); }

  // The writer's thread only, or before there are others.
  void set_recovering(bool recovering) { recovering_.store(recovering, std::memory_order_release); }
  /// What the records know, at start.
  void load(std::vector<RecordedProduct> products);
  /// Terms and texts of the products among these events, then the stock that `state`, which has them, gives
  /// for all that they move.
  void follow(const std::vector<CountedEvent>& events, const SaleState& state);
  /// The stock of all products.
  void show_stock(const SaleState& state);
  /// What whoever writes has shown of places behind `followed`: shown here too, until the log has come so
  /// far.
  void show_ahead(const std::vector<StockLine>& lines, Place followed);
  bool shows_ahead() const { return !ahead_.empty(); }
  /// Of what is shown ahead of the log, the log's own numbers again, when it has come to `followed`.
  void end_ahead(Place followed, const SaleState& state);

 private:
  /// Under which names a product was sold: (version, name), each until the next. It only grows, shared by all
  /// entries of the product, so that a name costs no copy of those before it and stays where it is.
  struct Names {
    mutable std::mutex mutex;  ///< Taken for a name of before alone.
    std::deque<std::pair<std::int64_t, std::string>> all;
  };
  struct Entry {
    ShownProductPtr shown;
    std::int64_t named_since = 0;  ///< The version from which on it has the name that is shown.
    std::shared_ptr<Names> names;
  };
  using Map = boost::unordered_flat_map<ProductId, Entry>;
  static constexpr std::size_t shard_count = 64;
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> version{1};
    mutable std::mutex mutex;  ///< Taken on a change and once per thread after it.
    std::shared_ptr<const Map> map = std::make_shared<const Map>();
  };
  struct ThreadCopy;
  static std::size_t shard_of(ProductId id) { return hash_value(id) >> 58; }
  const Entry* look(ProductId id) const;
  void put(std::vector<Entry> entries);
  void follow_product(const CountedEvent& counted);
  Entry changed(const CountedEvent& counted) const;

  const KeyFilter& keys_;
  const Render render_;
  boost::unordered_flat_map<ProductId, Place> ahead_;  ///< Whose numbers are of a place that is to come.
  Place ahead_until_ = 0;                              ///< The least of them, or less.
  const std::uint64_t table_id_;                       ///< Tells this table from others in a thread's copies.
  std::array<Shard, shard_count> shards_;
  std::atomic<bool> recovering_{false};
  mutable std::shared_mutex sorted_mutex_;
  std::map<ProductId, ShownProductPtr, std::greater<>> sorted_;
  mutable std::shared_ptr<const std::vector<ShownProductPtr>> all_;
};

}  // namespace market::sale
