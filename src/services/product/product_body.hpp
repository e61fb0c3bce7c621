#pragma once
/// Bodies of POST and PATCH /products.

#include <optional>
#include <string_view>

#include "domain/sale/product.hpp"

namespace market::product {

struct NewProduct {
  ProductTexts texts;  ///< Without a picture.
  ProductTerms terms;  ///< Without seller.
  std::int64_t stock = 0;
};
/// Errors: invalid_json, validation.
Result<NewProduct> read_new_product(std::string_view body);
/// Changes what the body names in `terms` and `texts`. Errors as above.
Result<> read_product_patch(std::string_view body, ProductTerms& terms, ProductTexts& texts);

struct StockChange {
  std::int64_t delta = 0;
  std::string reason;
};
Result<StockChange> read_stock_change(std::string_view body);

}  // namespace market::product
