#pragma once
/// A product as clients see it (API.md), rendered once and split around what changes with every sale.

#include <string>
#include <string_view>

#include "domain/sale/product.hpp"

namespace market::wire {

/// Where the routes of all services are; part of the addresses that pages name.
inline constexpr std::string_view api_base = "/api/v1";

/// The version of a picture in its address: the first 16 digits of its hash.
std::string_view image_version_of(std::string_view hash);
/// Where the picture of `product` is served; changes with its content. Empty when there is none.
std::string image_url_of(ProductId product, std::string_view hash);

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

/// {remaining, capacity, saleState, paused, asOf}
void append_stock(std::string& out, SaleStateName state, bool paused, std::int64_t remaining,
                  std::int64_t capacity, Instant as_of);

}  // namespace market::wire
