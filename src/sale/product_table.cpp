#include "sale/product_table.hpp"

#include <algorithm>
#include <limits>

#include "domain/sale/fold_order.hpp"

namespace market::sale {
namespace {

std::atomic<std::uint64_t> tables_made{0};

void show(LiveStock& live, const ProductStock& stock) {
  live.remaining.store(stock.remaining, std::memory_order_release);
  live.capacity.store(stock.capacity, std::memory_order_release);
  live.changes.fetch_add(1, std::memory_order_release);
}

}  // namespace

struct ProductTable::ThreadCopy {
  std::uint64_t table_id = 0;
  std::array<std::uint64_t, shard_count> versions{};
  std::array<std::shared_ptr<const Map>, shard_count> maps;
};

ProductTable::ProductTable(const KeyFilter& keys, Render render)
    : keys_(keys), render_(std::move(render)), table_id_(++tables_made) {}

const ProductTable::Entry* ProductTable::look(ProductId id) const {
  thread_local ThreadCopy copy;
  if (copy.table_id != table_id_) {
    copy = ThreadCopy{};
    copy.table_id = table_id_;
  }
  const std::size_t at = shard_of(id);
  const Shard& shard = shards_[at];
  if (copy.versions[at] != shard.version.load(std::memory_order_acquire)) {
    const std::scoped_lock lock(shard.mutex);
    copy.maps[at] = shard.map;
    copy.versions[at] = shard.version.load(std::memory_order_relaxed);
  }
  const auto found = copy.maps[at]->find(id);
  return found == copy.maps[at]->end() ? nullptr : &found->second;
}

const ShownProduct* ProductTable::find(ProductId id) const {
  const Entry* entry = look(id);
  return entry == nullptr ? nullptr : entry->shown.get();
}

std::string_view ProductTable::name_of(ProductId id, std::int64_t version) const {
  const Entry* entry = look(id);
  if (entry == nullptr) return {};
  if (version >= entry->named_since) return entry->shown->texts.name;
  const std::scoped_lock lock(entry->names->mutex);
  const auto& all = entry->names->all;
  const auto newer =
      std::upper_bound(all.begin(), all.end(), version,
                       [](std::int64_t wanted, const auto& name) { return wanted < name.first; });
  return newer == all.begin() ? std::string_view() : std::string_view(std::prev(newer)->second);
}

std::vector<ShownProductPtr> ProductTable::newest(ProductId before, std::size_t count) const {
  std::vector<ShownProductPtr> page;
  const std::shared_lock lock(sorted_mutex_);
  auto at = before ? sorted_.upper_bound(before) : sorted_.begin();
  for (; at != sorted_.end() && page.size() < count; ++at) page.push_back(at->second);
  return page;
}

std::shared_ptr<const std::vector<ShownProductPtr>> ProductTable::all() const {
  const std::unique_lock lock(sorted_mutex_);
  if (!all_) {
    std::vector<ShownProductPtr> products;
    products.reserve(sorted_.size());
    for (const auto& [id, product] : sorted_) products.push_back(product);
    all_ = std::make_shared<const std::vector<ShownProductPtr>>(std::move(products));
  }
  return all_;
}

void ProductTable::put(std::vector<Entry> entries) {
  std::array<std::vector<Entry*>, shard_count> of_shard;
  for (Entry& entry : entries) of_shard[shard_of(entry.shown->id)].push_back(&entry);
  for (std::size_t i = 0; i < shard_count; ++i) {
    if (of_shard[i].empty()) continue;
    Shard& shard = shards_[i];
    auto map = std::make_shared<Map>(*shard.map);
    for (const Entry* entry : of_shard[i]) map->insert_or_assign(entry->shown->id, *entry);
    const std::scoped_lock lock(shard.mutex);
    shard.map = std::move(map);
    shard.version.fetch_add(1, std::memory_order_release);
  }
  const std::unique_lock lock(sorted_mutex_);
  for (const Entry& entry : entries) {
    if (entry.shown->terms.withdrawn)
      sorted_.erase(entry.shown->id);
    else
      sorted_.insert_or_assign(entry.shown->id, entry.shown);
  }
  all_.reset();
}

void ProductTable::load(std::vector<RecordedProduct> products) {
  std::vector<Entry> entries;
  entries.reserve(products.size());
  for (RecordedProduct& recorded : products) {
    auto shown = std::make_shared<ShownProduct>();
    shown->id = recorded.id;
    shown->version = recorded.version;
    shown->terms = recorded.terms;
    shown->texts = std::move(recorded.texts);
    shown->created_at = recorded.created_at;
    shown->updated_at = recorded.updated_at;
    shown->live = std::make_shared<LiveStock>(recorded.id);
    show(*shown->live, recorded.stock);
    shown->page = render_(*shown);
    auto names = std::make_shared<Names>();
    for (auto& name : recorded.names) names->all.push_back(std::move(name));
    const std::int64_t since = names->all.empty() ? shown->version : names->all.back().first;
    entries.push_back(Entry{std::move(shown), since, std::move(names)});
  }
  put(std::move(entries));
}

ProductTable::Entry ProductTable::changed(const CountedEvent& counted) const {
  const ProductId id = product_of(counted.event.fact);
  const Entry* known = look(id);
  auto shown = std::make_shared<ShownProduct>();
  if (known != nullptr) *shown = *known->shown;
  shown->id = id;
  if (const auto* listed = std::get_if<ProductListed>(&counted.event.fact)) {
    shown->terms = listed->terms;
    shown->texts = listed->texts;
    shown->created_at = counted.event.at;
  } else if (const auto* changed = std::get_if<ProductChanged>(&counted.event.fact)) {
    shown->version = changed->version;
    shown->terms = changed->terms;
    shown->texts = changed->texts;
  }
  shown->updated_at = counted.event.at;
  if (!shown->live) shown->live = std::make_shared<LiveStock>(id);
  shown->page = render_(*shown);
  auto names = known == nullptr ? std::make_shared<Names>() : known->names;
  const std::scoped_lock lock(names->mutex);
  if (names->all.empty() || names->all.back().second != shown->texts.name)
    names->all.emplace_back(shown->version, shown->texts.name);
  const std::int64_t since = names->all.back().first;
  return Entry{std::move(shown), since, names};
}

void ProductTable::follow_product(const CountedEvent& counted) {
  if (std::holds_alternative<StockAdjusted>(counted.event.fact)) return;
  std::vector<Entry> one;
  one.push_back(changed(counted));
  put(std::move(one));
}

void ProductTable::follow(const std::vector<CountedEvent>& events, const SaleState& state) {
  boost::container::small_vector<ProductId, 8> moved;
  for (const CountedEvent& counted : events) {
    if (product_of(counted.event.fact)) {
      follow_product(counted);
      moved.push_back(product_of(counted.event.fact));
    }
    for (const StockMove& move : stock_moves(counted.event.fact))
      if (moved.empty() || moved.back() != move.product) moved.push_back(move.product);
  }
  std::sort(moved.begin(), moved.end());
  moved.erase(std::unique(moved.begin(), moved.end()), moved.end());
  for (const ProductId id : moved) {
    const Entry* entry = look(id);
    const SaleProduct* product = state.product(id);
    if (entry == nullptr || product == nullptr || (!ahead_.empty() && ahead_.contains(id))) continue;
    show(*entry->shown->live, product->stock);
  }
  if (!ahead_.empty()) end_ahead(events.back().place, state);
}

void ProductTable::show_ahead(const std::vector<StockLine>& lines, Place followed) {
  for (const StockLine& line : lines) {
    const Entry* entry = look(line.product);
    if (entry == nullptr || line.place <= followed) continue;  // Listed since: nobody here knows its texts.
    Place& place = ahead_.try_emplace(line.product, 0).first->second;
    if (line.place <= place) continue;
    place = line.place;
    LiveStock& live = *entry->shown->live;
    if (live.remaining != line.remaining || live.capacity != line.capacity)
      show(live, ProductStock{line.capacity, line.remaining, 1});
  }
  ahead_until_ = 0;
}

void ProductTable::end_ahead(Place followed, const SaleState& state) {
  if (followed < ahead_until_) return;
  ahead_until_ = std::numeric_limits<Place>::max();
  boost::unordered::erase_if(ahead_, [&](const auto& each) {
    if (each.second > followed) {
      ahead_until_ = std::min(ahead_until_, each.second);
      return false;
    }
    const Entry* entry = look(each.first);
    const SaleProduct* product = state.product(each.first);
    if (entry != nullptr && product != nullptr) show(*entry->shown->live, product->stock);
    return true;
  });
}

void ProductTable::show_stock(const SaleState& state) {
  ahead_.clear();
  for (const SaleProduct& product : state.products) {
    const Entry* entry = look(product.id);
    if (entry != nullptr) show(*entry->shown->live, product.stock);
  }
}

}  // namespace market::sale
