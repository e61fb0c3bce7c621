#pragma once
/// A product as clients see it (API.md), rendered once and split around what changes with every sale.

#include <string>
#include <string_view>

#include "domain/sale/product.hpp"

namespace market::wire {

/// What a page says of a product and what never changes with a sale.
struct ProductFacts {
  ProductId id;
  std::int64_t version = 1;
  const ProductTexts& texts;
  const ProductTerms& terms;
  std::string_view image_url;  ///< Empty: no picture.
  Instant created_at{}, updated_at{};
};

class ProductView {
 public:
  ProductView() = default;
  explicit ProductView(const ProductFacts& product);
  void append_to(std::string& out, SaleStateName state, std::int64_t remaining, std::int64_t capacity) const;
  /// `"version.state"`: of all that the page says but the live numbers, so it changes when a sale opens.
  std::string etag(SaleStateName state) const;

 private:
  bool has_sale_ = false;
  std::int64_t version_ = 0;
  std::string head_, tail_;
};

/// {remaining, capacity, saleState, asOf}
void append_stock(std::string& out, SaleStateName state, std::int64_t remaining, std::int64_t capacity,
                  Instant as_of);

}  // namespace market::wire
