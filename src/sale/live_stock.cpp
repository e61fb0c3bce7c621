#include "sale/live_stock.hpp"

namespace market::sale {
namespace {

std::atomic<std::uint64_t> tables_made{0};

}  // namespace

struct LiveStockTable::ThreadCopy {
  std::uint64_t table_id = 0;
  std::array<std::uint64_t, shard_count> versions{};
  std::array<std::shared_ptr<const Map>, shard_count> maps;
};

LiveStockTable::LiveStockTable(const KeyFilter& keys) : keys_(keys), table_id_(++tables_made) {}

const LiveStockTable::Map& LiveStockTable::current(std::size_t shard) const {
  thread_local ThreadCopy copy;
  if (copy.table_id != table_id_) {
    copy = ThreadCopy{};
    copy.table_id = table_id_;
  }
  const auto version = shards_[shard].version.load(std::memory_order_acquire);
  if (copy.versions[shard] != version) {
    const std::scoped_lock lock(shards_[shard].mutex);
    copy.maps[shard] = shards_[shard].map;
    copy.versions[shard] = shards_[shard].version.load(std::memory_order_relaxed);
  }
  return *copy.maps[shard];
}

const ListedProduct* LiveStockTable::find(ProductId id) const {
  const Map& map = current(shard_of(id));
  const auto found = map.find(id);
  return found == map.end() ? nullptr : found->second.get();
}

void LiveStockTable::publish(const SaleState& state, const std::vector<ProductId>& products) {
  for (const ProductId id : products) {
    const auto& product = state.products.at(id);
    Shard& shard = shards_[shard_of(id)];
    const auto found = shard.map->find(id);  // Only this thread writes the map: reading needs no lock.
    const bool known = found != shard.map->end();
    const auto live = known ? found->second->live : std::make_shared<LiveProduct>(id);
    live->remaining.store(product.stock.remaining, std::memory_order_release);
    live->capacity.store(product.stock.capacity, std::memory_order_release);
    live->version.fetch_add(1, std::memory_order_release);
    if (known && found->second->terms == product.terms) continue;
    auto listed = std::make_shared<const ListedProduct>(ListedProduct{product.terms, live});
    auto map = std::make_shared<Map>(*shard.map);
    (*map)[id] = std::move(listed);
    const std::scoped_lock lock(shard.mutex);
    shard.map = std::move(map);
    shard.version.fetch_add(1, std::memory_order_release);
  }
}

void LiveStockTable::publish_all(const SaleState& state) {
  std::array<std::shared_ptr<Map>, shard_count> maps;
  for (std::size_t i = 0; i < shard_count; ++i) maps[i] = std::make_shared<Map>(*shards_[i].map);
  for (const auto& [id, product] : state.products) {
    auto& slot = (*maps[shard_of(id)])[id];
    const auto live = slot ? slot->live : std::make_shared<LiveProduct>(id);
    live->remaining.store(product.stock.remaining, std::memory_order_release);
    live->capacity.store(product.stock.capacity, std::memory_order_release);
    live->version.fetch_add(1, std::memory_order_release);
    slot = std::make_shared<const ListedProduct>(ListedProduct{product.terms, live});
  }
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::scoped_lock lock(shards_[i].mutex);
    shards_[i].map = std::move(maps[i]);
    shards_[i].version.fetch_add(1, std::memory_order_release);
  }
}

std::vector<ProductId> LiveStockTable::ids() const {
  std::vector<ProductId> ids;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    for (const auto& entry : *shard.map) ids.push_back(entry.first);
  }
  return ids;
}

}  // namespace market::sale
