#pragma once
/// The product list: which products, in which order, and where the next page starts.

#include <optional>

#include "base/task_fair_pool.hpp"
#include "services/product/catalogue.hpp"

namespace market::product {

enum class SortBy : std::uint8_t { newest, price_rising, price_falling, opening };

/// What a list is sorted by. Prices of two currencies cannot be compared: one currency comes behind the
/// other, by its code. Of other orders all keys have one currency.
struct SortKey {
  Currency currency;
  std::int64_t value = 0;
  friend auto operator<=>(const SortKey&, const SortKey&) = default;
};

struct ListQuery {
  std::string search, category;  ///< Empty: any.
  SearchQuery words;             ///< Of `search`.
  bool hidden = false;           ///< Also withdrawn ones: for operators.
  std::optional<ProductKind> kind;
  std::optional<Currency> currency;
  SortBy sort = SortBy::newest;
  std::size_t limit = 20;
  /// The last product of the page before: its sort key and id; id none: from the start.
  SortKey after_key;
  ProductId after;
  /// Who asks: what is not public yet is in the lists of its seller and of administrators.
  UserId viewer;
  bool sees_all = false;
  UserId seller;  ///< Products of this one alone; none: of all.
  bool is_plain() const {
    return words.empty() && search.empty() && category.empty() && !kind && !currency &&
           sort == SortBy::newest;
  }
};

struct ListPage {
  std::vector<ShownProductPtr> products;
  std::string next_cursor;  ///< Empty: the last page.
};

/// Where whole catalogues are looked through; addresses take turns.
struct ListLanes {
  FairPool& searching;  ///< Their texts.
  FairPool& sorting;    ///< What needs no texts; nobody waits for a search.
};

/// Where `query` goes on, by a cursor that list_products() gave for the same sort and filters. Errors:
/// validation.
Result<> read_cursor(const std::string& cursor, ListQuery& query);
/// Those that are there for the viewer at `now`.
ListPage list_products(const ProductBoard& board, const ListQuery& query, Instant now);
/// The same when it is the turn of `remote_address`. `board` outlives it. Errors: overloaded.
Task<ListPage> list_in_turn(const ProductBoard& board, const ListQuery& query, Instant now, ListLanes lanes,
                            std::string_view remote_address);

}  // namespace market::product
