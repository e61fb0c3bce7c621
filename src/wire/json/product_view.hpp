#pragma once
/// A product as clients see it (API.md), rendered once and split around what changes with every sale.

#include <string>
#include <string_view>

#include "domain/sale/product.hpp"

namespace market::wire {

/// The catalogue text of a product, by name; views live as long as the caller's text.
struct ProductPage {
  ProductId id;
  std::string_view name, description, category, image_url;
  Instant created_at{}, updated_at{};
};

class ProductView {
 public:
  ProductView() = default;
  ProductView(const ProductPage& page, const ProductTerms& terms);
  void append_to(std::string& out, SaleStateName state, std::int64_t remaining, std::int64_t capacity) const;
  /// Quoted; of text, price and sale, not of the live stock.
  const std::string& etag() const { return etag_; }

 private:
  bool has_sale_ = false;
  std::string head_, tail_, etag_;
};

/// {remaining, capacity, saleState, asOf}
void append_stock(std::string& out, SaleStateName state, std::int64_t remaining, std::int64_t capacity,
                  Instant as_of);

}  // namespace market::wire
