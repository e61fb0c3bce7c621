#include "domain/sale/product.hpp"

namespace market {

std::string_view text_of(ProductKind kind) {
  return kind == ProductKind::event ? "event" : "regular";
}

std::string_view text_of(SaleStateName state) {
  switch (state) {
    case SaleStateName::scheduled:
      return "scheduled";
    case SaleStateName::open:
      return "open";
    case SaleStateName::sold_out:
      return "sold_out";
    case SaleStateName::closed:
      return "closed";
    case SaleStateName::recovering:
      return "recovering";
  }
  return "open";
}

bool is_published(const ProductTerms& terms, Instant now) {
  return !terms.publish_at || *terms.publish_at <= now;
}

bool is_public(const ProductTerms& terms, Instant now) {
  return !terms.withdrawn && is_published(terms, now);
}

bool is_over(const Sale& sale, Instant now) {
  return sale.closes_at && now >= *sale.closes_at;
}

SaleStateName sale_state(const ProductTerms& terms, std::int64_t remaining, Instant now) {
  if (terms.withdrawn) return SaleStateName::closed;
  if (terms.sale && now < terms.sale->opens_at) return SaleStateName::scheduled;
  if (terms.sale && (terms.sale->paused || is_over(*terms.sale, now))) return SaleStateName::closed;
  return remaining > 0 ? SaleStateName::open : SaleStateName::sold_out;
}

}  // namespace market
