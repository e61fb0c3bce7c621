#include "services/product/sale_control.hpp"

#include <fmt/format.h>

namespace market::product {
namespace {

tl::unexpected<Error> no_sale() {
  return fail(Code::sale_not_open, "the product has no sale; take it from the shop instead");
}

}  // namespace

Result<> pause_sale(ProductTerms& terms, Instant now) {
  if (!terms.sale) return no_sale();
  if (now <= terms.sale->opens_at) return fail(Code::sale_not_open, "the sale has not opened yet");
  if (is_over(*terms.sale, now)) return fail(Code::sale_closed, "the sale has closed");
  if (terms.sale->paused) return fail(Code::sale_closed, "the sale is paused already");
  terms.sale->paused = true;
  return {};
}

Result<> extend_sale(ProductTerms& terms, std::optional<Instant> closes_at, Instant now) {
  if (!terms.sale) return no_sale();
  if (closes_at && (*closes_at <= now || *closes_at <= terms.sale->opens_at))
    return invalid_field("closesAt", "range", "closesAt must lie ahead, behind the opening");
  terms.sale->closes_at = closes_at;
  terms.sale->paused = false;
  return {};
}

std::vector<SaleCheck> preflight(const ProductTerms& terms, const ProductTexts& texts, std::int64_t remaining,
                                 bool recovering, Instant now) {
  const bool has_sale = terms.sale.has_value();
  const bool over = has_sale && is_over(*terms.sale, now);
  const bool paused = has_sale && terms.sale->paused;
  const Instant opens = has_sale ? std::max(terms.sale->opens_at, now) : now;
  const bool published = !terms.publish_at || *terms.publish_at <= opens;
  return {
      {"log_writable", !recovering, true,
       recovering ? "the event log is being read again" : "orders are taken"},
      {"sale", has_sale, true, has_sale ? "it has a sale" : "it has no opening time"},
      {"not_over", !over, true, over ? "the sale has closed" : "the sale is not over"},
      {"not_paused", !paused, true, paused ? "the sale is paused" : "the sale is not paused"},
      {"stock", remaining > 0, true, fmt::format("{} units", remaining)},
      {"price", terms.price.amount > 0, true,
       fmt::format("{} {}", terms.price.amount, terms.price.currency.text())},
      {"published", published, true,
       published ? "it is public at the opening" : "publishAt is behind the opening"},
      {"limit", has_sale && terms.sale->per_user_limit.has_value(), false,
       has_sale && terms.sale->per_user_limit ? fmt::format("{} units a buyer", *terms.sale->per_user_limit)
                                              : std::string("one buyer may take all units")},
      {"picture", !texts.picture.empty(), false,
       texts.picture.empty() ? "it has no picture" : "it has a picture"},
      {"description", !texts.description.empty(), false,
       texts.description.empty() ? "it has no description" : "it has a description"},
  };
}

}  // namespace market::product
