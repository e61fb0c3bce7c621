#pragma once
/// The product list: which entries, in which order, and where the next page starts.

#include <optional>

#include "services/product/catalogue.hpp"

namespace market::product {

enum class SortBy : std::uint8_t { newest, price_rising, price_falling, opening };

struct ListQuery {
  std::string search, category;  ///< `search` is folded; empty: any.
  std::optional<ProductKind> kind;
  SortBy sort = SortBy::newest;
  std::size_t limit = 20;
  /// The last entry of the page before: its sort key and id; id none: from the start.
  std::int64_t after_key = 0;
  ProductId after;
  bool is_plain() const { return search.empty() && category.empty() && !kind && sort == SortBy::newest; }
};

struct ListPage {
  std::vector<EntryPtr> entries;
  std::string next_cursor;  ///< Empty: the last page.
};

/// Errors: validation.
Result<> read_cursor(const std::string& cursor, ListQuery& query);
ListPage list_products(const Catalogue& catalogue, const ListQuery& query);

}  // namespace market::product
