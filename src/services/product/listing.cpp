#include "services/product/listing.hpp"

#include <fmt/format.h>

#include <charconv>

#include "wire/auth/base64url.hpp"

namespace market::product {
namespace {

std::int64_t key_of(const CatalogueEntry& entry, SortBy sort) {
  switch (sort) {
    case SortBy::newest:
      return 0;
    case SortBy::price_rising:
      return entry.terms.price.amount;
    case SortBy::price_falling:
      return -entry.terms.price.amount;
    case SortBy::opening:  // Products without a sale have always been open.
      return entry.terms.sale ? entry.terms.sale->opens_at.time_since_epoch().count() : 0;
  }
  return 0;
}

bool matches(const CatalogueEntry& entry, const ListQuery& query) {
  if (!query.category.empty() && entry.text.category != query.category) return false;
  if (query.kind && entry.terms.kind != *query.kind) return false;
  return query.search.empty() || entry.folded.find(query.search) != std::string::npos;
}

std::string cursor_of(std::int64_t key, ProductId id) {
  return wire::encode_base64url(fmt::format("{}:{}", key, id.text()));
}

}  // namespace

Result<> read_cursor(const std::string& cursor, ListQuery& query) {
  if (cursor.empty()) return {};
  const auto wrong = [] { return invalid_field("cursor", "format", "cursor is not one of ours"); };
  unsigned char bytes[64];
  const auto size = wire::decode_base64url(cursor, bytes);
  if (!size) return wrong();
  const std::string_view plain(reinterpret_cast<const char*>(bytes), *size);
  const auto [stop, error] = std::from_chars(plain.begin(), plain.end(), query.after_key);
  if (error != std::errc() || stop == plain.end() || *stop != ':') return wrong();
  const auto id = ProductId::parse(std::string_view(stop + 1, plain.end()));
  if (!id) return wrong();
  query.after = *id;
  return {};
}

ListPage list_products(const Catalogue& catalogue, const ListQuery& query) {
  ListPage page;
  if (query.is_plain()) {
    page.entries = catalogue.newest(query.after, query.limit + 1);
  } else {
    const auto all = catalogue.all();
    using Candidate = std::pair<std::int64_t, const EntryPtr*>;
    std::vector<Candidate> found;
    const auto before = [](const Candidate& a, const Candidate& b) {
      return a.first != b.first ? a.first < b.first : (*a.second)->text.id > (*b.second)->text.id;
    };
    for (const auto& entry : *all) {
      const std::int64_t key = key_of(*entry, query.sort);
      if (query.after && (key < query.after_key || (key == query.after_key && entry->text.id >= query.after)))
        continue;
      if (matches(*entry, query)) found.emplace_back(key, &entry);
    }
    const auto wanted = std::min(found.size(), query.limit + 1);
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted), found.end(),
                      before);
    for (std::size_t i = 0; i < wanted; ++i) page.entries.push_back(*found[i].second);
  }
  if (page.entries.size() > query.limit) {
    page.entries.resize(query.limit);
    page.next_cursor = cursor_of(key_of(*page.entries.back(), query.sort), page.entries.back()->text.id);
  }
  return page;
}

}  // namespace market::product
