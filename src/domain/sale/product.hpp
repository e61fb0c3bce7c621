#pragma once
/// A product as the log knows it: terms and texts with a version, stock, sale.

#include <cstdint>
#include <optional>
#include <string>
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
  bool paused = false;  ///< Closed for now; it keeps its end and goes on when asked to.
  friend bool operator==(const Sale&, const Sale&) = default;
};

/// The part of a product that decides. Invariant: capacity = remaining + sum of live order quantities.
struct ProductTerms {
  UserId seller;
  Money price;
  ProductKind kind = ProductKind::regular;
  std::optional<Sale> sale;
  std::optional<Instant> publish_at;  ///< Before it the product is there for its seller alone.
  bool withdrawn = false;             ///< No longer for sale; its orders stay.
  friend bool operator==(const ProductTerms&, const ProductTerms&) = default;
};

/// What people read of it.
struct ProductTexts {
  std::string name, description, category;
  std::string picture;  ///< SHA-256 of the picture's bytes, 64 hexadecimal digits; empty: none.
  friend bool operator==(const ProductTexts&, const ProductTexts&) = default;
};

struct ProductStock {
  static constexpr std::int64_t stock_max = 1'000'000'000;
  std::int64_t capacity = 0;  ///< Units ever put up for sale (restocks count, either way).
  std::int64_t remaining = 0;
  std::int64_t next_ticket = 1;
  bool sold = false;  ///< A unit was sold once, though it may have come back. Known to the sequencer alone.
  friend bool operator==(const ProductStock&, const ProductStock&) = default;
};

/// A product as the sequencer holds it; texts are in the records.
struct SaleProduct {
  ProductId id;
  std::int64_t version = 1;  ///< Rises by one with each change of terms or texts.
  ProductTerms terms;
  ProductStock stock;
  friend bool operator==(const SaleProduct&, const SaleProduct&) = default;
};

/// Whether anybody but its seller and administrators may know of it.
bool is_public(const ProductTerms& terms, Instant now);
/// The same of one that may be withdrawn by now.
bool is_published(const ProductTerms& terms, Instant now);
bool is_over(const Sale& sale, Instant now);
/// Whether its sale is stopped for now, as far as its sellers say.
inline bool is_paused(const ProductTerms& terms) {
  return terms.sale && terms.sale->paused;
}
/// Pure: what a page may say of a sale at `now`. Products without a sale are open while units remain.
SaleStateName sale_state(const ProductTerms& terms, std::int64_t remaining, Instant now);

}  // namespace market
