#include "services/product/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "http/message/client_address.hpp"
#include "wire/auth/base64url.hpp"

namespace market::product {
namespace {

SortKey key_of(const ShownProduct& product, SortBy sort) {
  const Money& price = product.terms.price;
  switch (sort) {
    case SortBy::newest:
      return {};
    case SortBy::price_rising:
      return {price.currency, price.amount};
    case SortBy::price_falling:
      return {price.currency, -price.amount};
    case SortBy::opening:  // Products without a sale have always been open.
      return {{}, product.terms.sale ? product.terms.sale->opens_at.time_since_epoch().count() : 0};
  }
  return {};
}

bool is_there(const ShownProduct& product, const ListQuery& query, Instant now) {
  if (query.seller && product.terms.seller != query.seller) return false;
  return query.hidden || is_public(product.terms, now) ||
         (!product.terms.withdrawn &&
          (query.sees_all || (query.viewer && product.terms.seller == query.viewer)));
}

bool matches(const ShownProduct& product, const ListQuery& query) {
  if (!query.category.empty() && product.texts.category != query.category) return false;
  if (query.kind && product.terms.kind != *query.kind) return false;
  if (query.currency && product.terms.price.currency != *query.currency) return false;
  return page_of(product).search.matches(query.words);
}

std::string cursor_of(const ListQuery& query, const ShownProduct& last) {
  const SortKey key = key_of(last, query.sort);
  return wire::encode_base64url(fmt::format("{}:{}:{}", key.currency.text(), key.value, last.id.text()));
}

/// The newest ones that are there for the viewer. Few are not, so a page is one reading or two.
std::vector<ShownProductPtr> newest_there(const ProductBoard& board, const ListQuery& query,
                                          std::size_t count, Instant now) {
  std::vector<ShownProductPtr> found;
  ProductId before = query.after;
  for (;;) {
    auto some = board.newest(before, count);
    const bool last = some.size() < count;
    if (!some.empty()) before = some.back()->id;
    for (auto& product : some)
      if (found.size() < count && is_there(*product, query, now)) found.push_back(std::move(product));
    if (last || found.size() == count) return found;
  }
}

/// All that match, as far as one page shows them.
std::vector<ShownProductPtr> sorted_there(const ProductBoard& board, const ListQuery& query,
                                          std::size_t count, Instant now) {
  const auto all = board.all();
  using Candidate = std::pair<SortKey, const ShownProductPtr*>;
  std::vector<Candidate> found;
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.first != b.first ? a.first < b.first : (*a.second)->id > (*b.second)->id;
  };
  for (const auto& product : *all) {
    if (!is_there(*product, query, now) || !matches(*product, query)) continue;
    const SortKey key = key_of(*product, query.sort);
    if (query.after && (key < query.after_key || (key == query.after_key && product->id >= query.after)))
      continue;
    found.emplace_back(key, &product);
  }
  const auto wanted = std::min(found.size(), count);
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted), found.end(), before);
  std::vector<ShownProductPtr> page;
  for (std::size_t i = 0; i < wanted; ++i) page.push_back(*found[i].second);
  return page;
}

}  // namespace

Result<> read_cursor(const std::string& cursor, ListQuery& query) {
  if (cursor.empty()) return {};
  const auto wrong = [] { return invalid_field("cursor", "format", "cursor is not one of this list"); };
  unsigned char bytes[96];
  const auto size = wire::decode_base64url(cursor, bytes);
  if (!size) return wrong();
  std::string_view plain(reinterpret_cast<const char*>(bytes), *size);
  const auto currency = Currency::parse(plain.substr(0, 3));
  if (!currency || plain.size() < 4 || plain[3] != ':') return wrong();
  query.after_key.currency = *currency;
  plain.remove_prefix(4);
  const auto [stop, error] = std::from_chars(plain.begin(), plain.end(), query.after_key.value);
  if (error != std::errc() || stop == plain.end() || *stop != ':') return wrong();
  const auto id = ProductId::parse(std::string_view(stop + 1, plain.end()));
  if (!id) return wrong();
  query.after = *id;
  return {};
}

ListPage list_products(const ProductBoard& board, const ListQuery& query, Instant now) {
  const std::size_t one_more = query.limit + 1;  // It tells whether there is a next page.
  ListPage page;
  page.products = query.is_plain() ? newest_there(board, query, one_more, now)
                                   : sorted_there(board, query, one_more, now);
  if (page.products.size() > query.limit) {
    page.products.resize(query.limit);
    page.next_cursor = cursor_of(query, *page.products.back());
  }
  return page;
}

Task<ListPage> list_in_turn(const ProductBoard& board, const ListQuery& query, Instant now, ListLanes lanes,
                            std::string_view remote_address) {
  auto scan = [&board, now, query]() -> Result<ListPage> { return list_products(board, query, now); };
  auto whose = std::to_string(http::address_bucket(remote_address));
  return (query.words.empty() ? lanes.sorting : lanes.searching).run(std::move(whose), std::move(scan));
}

}  // namespace market::product
