#pragma once
/// Products in their tables: newest terms and texts, the names they had, and their stock.

#include <map>
#include <vector>

#include "adapters/mysql/session.hpp"
#include "domain/sale/event.hpp"
#include "ports/order_records.hpp"

namespace market::mysql {

/// Folds events into the rows; within the caller's transaction. Throws.
class ProductFold {
 public:
  explicit ProductFold(Session& session) : session_(session) {}
  void fold(const CountedEvent& counted);
  /// Writes what the events have done to the stock, one row per product.
  void finish();

 private:
  struct Moved {
    bool listed = false;
    std::vector<std::pair<Place, std::pair<std::int64_t, std::int64_t>>> moves;  ///< (remaining, capacity)
  };
  void put(ProductId id, std::int64_t version, const ProductTerms& terms, const ProductTexts& texts,
           const CountedEvent& counted);

  Session& session_;
  std::map<ProductId, Moved> moved_;
};

/// All, rising by id. Throws.
std::vector<RecordedProduct> read_products(Session& session);

}  // namespace market::mysql
