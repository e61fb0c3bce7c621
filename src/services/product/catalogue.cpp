#include "services/product/catalogue.hpp"

namespace market::product {

namespace {
std::atomic<std::uint64_t> next_catalogue_id{1};
}

std::string fold_case(std::string_view text) {
  std::string folded(text);
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return folded;
}

struct Catalogue::ThreadCopy {
  std::uint64_t catalogue = 0;
  std::array<std::uint64_t, shard_count> versions{};
  std::array<std::shared_ptr<const Map>, shard_count> maps;
};

Catalogue::Catalogue(const LiveStock& live, const Clock& clock)
    : live_(live), clock_(clock), catalogue_id_(next_catalogue_id.fetch_add(1)) {}

EntryPtr Catalogue::make_entry(ProductText text) const {
  const auto* listed = live_.find(text.id);
  if (!listed) return nullptr;
  auto entry = std::make_shared<CatalogueEntry>();
  entry->text = std::move(text);
  entry->terms = listed->terms;
  entry->live = listed->live;
  const ProductText& kept = entry->text;
  entry->view = wire::ProductView(
      {kept.id, kept.name, kept.description, kept.category, kept.image_url, kept.created_at, kept.updated_at},
      entry->terms);
  entry->folded = fold_case(kept.name) + '\n' + fold_case(kept.description);
  return entry;
}

void Catalogue::load(std::vector<ProductText> texts) {
  std::array<Map, shard_count> maps;
  for (auto& text : texts) {
    const ProductId id = text.id;
    auto entry = make_entry(std::move(text));
    if (!entry) continue;
    if (!entry->terms.withdrawn) sorted_.emplace(id, entry);
    maps[shard_of(id)].insert_or_assign(id, std::move(entry));
  }
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    shards_[i].map = std::make_shared<const Map>(std::move(maps[i]));
    shards_[i].version.fetch_add(1, std::memory_order_release);
  }
  all_.reset();
}

Result<> Catalogue::put(ProductText text) {
  const ProductId id = text.id;
  Shard& shard = shards_[shard_of(id)];
  const std::lock_guard lock(shard.mutex);
  // The terms are read under the lock: of two changes at once, the later put sees both.
  auto entry = make_entry(std::move(text));
  if (!entry) return fail(Code::product_not_found, "there is no such product");
  auto map = std::make_shared<Map>(*shard.map);
  map->insert_or_assign(id, entry);
  shard.map = std::move(map);
  shard.version.fetch_add(1, std::memory_order_release);
  const std::unique_lock sorted_lock(sorted_mutex_);
  if (entry->terms.withdrawn)
    sorted_.erase(id);
  else
    sorted_.insert_or_assign(id, std::move(entry));
  all_.reset();
  return {};
}

const CatalogueEntry* Catalogue::look(ProductId id) const {
  thread_local ThreadCopy copy;
  if (copy.catalogue != catalogue_id_) {
    copy = ThreadCopy();
    copy.catalogue = catalogue_id_;
  }
  const std::size_t at = shard_of(id);
  const Shard& shard = shards_[at];
  if (copy.versions[at] != shard.version.load(std::memory_order_acquire)) {
    const std::lock_guard lock(shard.mutex);
    copy.maps[at] = shard.map;
    copy.versions[at] = shard.version.load(std::memory_order_relaxed);
  }
  const auto found = copy.maps[at]->find(id);
  return found == copy.maps[at]->end() ? nullptr : found->second.get();
}

const CatalogueEntry* Catalogue::find(ProductId id) const {
  const auto* entry = look(id);
  return entry == nullptr || entry->terms.withdrawn ? nullptr : entry;
}

std::string_view Catalogue::name_of(ProductId id) const {
  const auto* entry = look(id);
  return entry == nullptr ? std::string_view() : std::string_view(entry->text.name);
}

SaleStateName Catalogue::state_of(const CatalogueEntry& entry) const {
  if (live_.recovering()) return SaleStateName::recovering;
  return sale_state(entry.terms, entry.live->remaining.load(std::memory_order_relaxed), clock_.now());
}

void Catalogue::append_page(std::string& out, const CatalogueEntry& entry) const {
  entry.view.append_to(out, state_of(entry), entry.live->remaining.load(std::memory_order_relaxed),
                       entry.live->capacity.load(std::memory_order_relaxed));
}

std::vector<EntryPtr> Catalogue::newest(ProductId before, std::size_t count) const {
  std::vector<EntryPtr> page;
  const std::shared_lock lock(sorted_mutex_);
  auto at = before ? sorted_.upper_bound(before) : sorted_.begin();
  for (; at != sorted_.end() && page.size() < count; ++at) page.push_back(at->second);
  return page;
}

std::shared_ptr<const std::vector<EntryPtr>> Catalogue::all() const {
  const std::unique_lock lock(sorted_mutex_);
  if (!all_) {
    std::vector<EntryPtr> entries;
    entries.reserve(sorted_.size());
    for (const auto& [id, entry] : sorted_) entries.push_back(entry);
    all_ = std::make_shared<const std::vector<EntryPtr>>(std::move(entries));
  }
  return all_;
}

}  // namespace market::product
