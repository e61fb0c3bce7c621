#pragma once
/// What an operator may do to a sale, as changes of its terms: the sequencer decides on each, and whoever
/// buys sees it at once.

#include "domain/sale/product.hpp"

namespace market::product {

/// No unit is sold any more until it goes on; its end stays where it is. Errors: sale_not_open (there is
/// none, or it has not opened), sale_closed.
Result<> pause_sale(ProductTerms& terms, Instant now);
/// It goes on, until `closes_at` (none: until it is closed). Errors: validation, sale_not_open (there is
/// none).
Result<> extend_sale(ProductTerms& terms, std::optional<Instant> closes_at, Instant now);

struct SaleCheck {
  std::string_view name;  ///< A stable word.
  bool ok = false, needed = true;
  std::string detail;
};
/// Whether all is ready for the opening.
std::vector<SaleCheck> preflight(const ProductTerms& terms, const ProductTexts& texts, std::int64_t remaining,
                                 bool recovering, Instant now);

}  // namespace market::product
