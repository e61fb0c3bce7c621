#pragma once
/// Bodies of POST and PATCH /products.

#include <optional>
#include <string_view>

#include "domain/sale/product.hpp"
#include "ports/product_texts.hpp"

namespace market::product {

struct NewProduct {
  ProductText text;    ///< Without id and times.
  ProductTerms terms;  ///< Without seller.
  std::int64_t stock = 0;
};
/// Errors: invalid_json, validation.
Result<NewProduct> read_new_product(std::string_view body);
/// Changes what the body names in `text` and `terms`. Errors as above.
Result<> read_product_patch(std::string_view body, ProductText& text, ProductTerms& terms);

struct StockChange {
  std::int64_t delta = 0;
  std::string reason;
};
Result<StockChange> read_stock_change(std::string_view body);

}  // namespace market::product
