#pragma once
/// All products as people read them: texts, rendered pages, and the live numbers laid over them. In memory
/// whole.
///
/// One page costs an atomic load and a look-up: each thread keeps a copy of the shards' maps and refreshes a
/// copy when its shard has changed. Lists read one sorted map under a shared lock.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "ports/live_stock.hpp"
#include "ports/product_names.hpp"
#include "ports/product_texts.hpp"
#include "wire/json/product_view.hpp"

namespace market::product {

struct CatalogueEntry {
  ProductText text;
  ProductTerms terms;
  std::shared_ptr<LiveProduct> live;
  wire::ProductView view;
  std::string folded;  ///< Name and description in lower case, for searching.
};
using EntryPtr = std::shared_ptr<const CatalogueEntry>;

class Catalogue final : public ProductNames {
 public:
  Catalogue(const LiveStock& live, const Clock& clock);

  /// At start, before any reader. Texts without a product in the log (a create that was refused) stay unseen.
  void load(std::vector<ProductText> texts);
  /// Shows a product with the terms the gate published; after submit() has answered. Any thread.
  /// Errors: product_not_found, when the gate knows no such product.
  Result<> put(ProductText text);

  /// Null when unknown or withdrawn. Valid until this thread asks the catalogue again.
  const CatalogueEntry* find(ProductId id) const;
  std::string_view name_of(ProductId id) const override;

  SaleStateName state_of(const CatalogueEntry& entry) const;
  void append_page(std::string& out, const CatalogueEntry& entry) const;

  /// The newest ones below `before` (0: from the newest), not withdrawn; at most `count`.
  std::vector<EntryPtr> newest(ProductId before, std::size_t count) const;
  /// All, newest first, not withdrawn: immutable, made anew after a change.
  std::shared_ptr<const std::vector<EntryPtr>> all() const;

 private:
  using Map = boost::unordered_flat_map<ProductId, EntryPtr>;
  static constexpr std::size_t shard_count = 64;
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> version{1};
    mutable std::mutex mutex;
    std::shared_ptr<const Map> map = std::make_shared<const Map>();
  };
  struct ThreadCopy;
  static std::size_t shard_of(ProductId id) { return hash_value(id) >> 58; }
  const CatalogueEntry* look(ProductId id) const;
  EntryPtr make_entry(ProductText text) const;

  const LiveStock& live_;
  const Clock& clock_;
  const std::uint64_t catalogue_id_;
  std::array<Shard, shard_count> shards_;
  mutable std::shared_mutex sorted_mutex_;
  std::map<ProductId, EntryPtr, std::greater<>> sorted_;
  mutable std::shared_ptr<const std::vector<EntryPtr>> all_;
};

/// ASCII letters in lower case; other text as it is.
std::string fold_case(std::string_view text);

}  // namespace market::product
