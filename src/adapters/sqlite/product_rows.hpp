#pragma once
/// Products in records.db: their newest terms and texts, the names they had, and their stock. Heavy (includes
/// SOCI), for .cpp files.

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "adapters/sqlite/sql_session.hpp"
#include "domain/sale/event.hpp"
#include "domain/sale/fold_order.hpp"
#include "ports/order_records.hpp"

namespace market::sqlite {

struct ProductRow {
  long long id = 0, version = 1, seller = 0, price = 0;
  std::string currency, kind;
  long long opens_at = 0, closes_at = 0, per_user_limit = 0, publish_at = 0;
  soci::indicator has_sale = soci::i_null, has_end = soci::i_null, has_limit = soci::i_null,
                  has_publishing = soci::i_null;
  int withdrawn = 0, paused = 0;
  std::string name, description, category, picture;
  long long created_at = 0, updated_at = 0, place = 0;
};

/// Folds events into the rows; within the caller's transaction. Errors: throws.
class ProductFold {
 public:
  explicit ProductFold(soci::session& sql);
  ProductFold(const ProductFold&) = delete;
  ProductFold& operator=(const ProductFold&) = delete;

  /// Forgets what is not written: at the start of each transaction.
  void begin() { stock_.clear(); }
  void fold(const CountedEvent& counted);
  /// Writes what the events of this transaction have done to the stock, one row per product.
  void finish();

 private:
  struct Stock {
    bool known = false;
    Place stored = 0;  ///< Events at or below it are in the row already.
    Place newest = 0;
    std::int64_t remaining = 0, capacity = 0;
  };
  Stock& stock_of(ProductId product);
  void put_product(ProductId id, std::int64_t version, const ProductTerms& terms, const ProductTexts& texts,
                   const CountedEvent& counted);
  void put_name();

  soci::session& sql_;
  boost::unordered_flat_map<ProductId, Stock> stock_;
  ProductRow row_;
  long long product_ = 0, remaining_ = 0, capacity_ = 0, place_ = 0;
  soci::statement put_, read_stock_, put_stock_;
};

/// All, rising by id. Errors: throws.
std::vector<RecordedProduct> read_products(soci::session& sql);

}  // namespace market::sqlite
