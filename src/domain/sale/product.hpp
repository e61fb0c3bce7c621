#pragma once
/// What the sale engine knows of a product: price, stock and sale. Texts and images are ordinary rows.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/id.hpp"
#include "base/time.hpp"
#include "domain/sale/money.hpp"

namespace market {

enum class ProductKind : std::uint8_t { regular, event };
enum class SaleStateName : std::uint8_t { scheduled, open, sold_out, closed, recovering };
std::string_view text_of(ProductKind kind);
std::string_view text_of(SaleStateName state);

struct Sale {
  Instant opens_at;
  std::optional<Instant> closes_at;
  std::optional<std::int32_t> per_user_limit;  ///< Live units per buyer; none: no limit.
  friend bool operator==(const Sale&, const Sale&) = default;
};

/// The part of a product that events decide. Invariant: capacity = remaining + sum of live order quantities.
struct ProductTerms {
  UserId seller;
  Money price;
  ProductKind kind = ProductKind::regular;
  std::optional<Sale> sale;
  bool withdrawn = false;  ///< No longer for sale; its orders stay.
  friend bool operator==(const ProductTerms&, const ProductTerms&) = default;
};

struct ProductStock {
  static constexpr std::int64_t stock_max = 1'000'000'000;
  std::int64_t capacity = 0;  ///< Units ever put up for sale (restocks count, either way).
  std::int64_t remaining = 0;
  std::int64_t next_ticket = 1;
  friend bool operator==(const ProductStock&, const ProductStock&) = default;
};

/// A product as the sale engine holds it.
struct SaleProduct {
  ProductId id;
  ProductTerms terms;
  ProductStock stock;
  /// Live units per buyer, only for sales with a limit; a buyer with 0 has no entry.
  boost::unordered_flat_map<UserId, std::int32_t> buyers;
  friend bool operator==(const SaleProduct&, const SaleProduct&) = default;
};

/// Pure: what a page may say of a sale at `now`. Products without a sale are open while units remain.
SaleStateName sale_state(const ProductTerms& terms, std::int64_t remaining, Instant now);

}  // namespace market
