#include "services/product/product_body.hpp"

#include "wire/json/json.hpp"

namespace market::product {
namespace {

constexpr std::size_t name_characters_max = 200, description_characters_max = 10'000,
                      category_characters_max = 100;
constexpr std::int64_t per_user_limit_max = 1'000'000;

void read_price(wire::ObjectReader& reader, Money& price) {
  const auto* member = reader.member("price", true);
  if (member == nullptr) return;
  wire::ObjectReader part(*member, reader.path_of("price"), reader);
  price.amount = part.integer("amount", 0, Money::amount_max);
  const std::string letters = part.text("currency", 3, 3);
  if (const auto currency = Currency::parse(letters); currency && currency->minor_digits())
    price.currency = *currency;
  else if (!letters.empty())
    part.refuse("currency", "format", "must be an active currency of ISO 4217, such as KRW");
  part.finish_part();
}

void read_kind(wire::ObjectReader& reader, ProductKind& kind) {
  if (!reader.has("kind")) return;
  const std::string text = reader.text("kind", 1, 16);
  if (text == "regular")
    kind = ProductKind::regular;
  else if (text == "event")
    kind = ProductKind::event;
  else if (!text.empty())
    reader.refuse("kind", "format", "kind must be regular or event");
}

void read_sale(wire::ObjectReader& reader, std::optional<Sale>& sale) {
  if (!reader.has("sale")) return;
  const bool paused = sale && sale->paused;  // Kept, unless it is named.
  sale.reset();
  if (reader.is_null("sale")) return;
  wire::ObjectReader part(*reader.member("sale", true), reader.path_of("sale"), reader);
  sale.emplace();
  sale->opens_at = part.time("opensAt");
  if (part.has("closesAt") && !part.is_null("closesAt")) {
    sale->closes_at = part.optional_time("closesAt");
    if (sale->closes_at && *sale->closes_at <= sale->opens_at)
      part.refuse("closesAt", "range", "closesAt must be after opensAt");
  }
  if (part.has("perUserLimit") && !part.is_null("perUserLimit"))
    if (const auto limit = part.optional_integer("perUserLimit", 1, per_user_limit_max))
      sale->per_user_limit = static_cast<std::int32_t>(*limit);
  sale->paused = paused;
  if (const auto* given = part.member("paused", false)) {
    if (given->is_bool())
      sale->paused = given->get_bool();
    else
      part.refuse("paused", "type", "must be true or false");
  }
  part.finish_part();
}

void read_publish_at(wire::ObjectReader& reader, std::optional<Instant>& publish_at) {
  if (reader.has("publishAt")) publish_at = reader.optional_time("publishAt");
}

void expect_sale_of_event(wire::ObjectReader& reader, const ProductTerms& terms) {
  if (terms.kind == ProductKind::event && !terms.sale)
    reader.refuse("sale", "required", "an event product has a sale");
}

/// Empty: of none.
void read_category(wire::ObjectReader& reader, std::string& category) {
  if (!reader.has("category")) return;
  category = reader.text("category", 0, category_characters_max);
  if (!category.empty()) category = reader.line("category", category_characters_max);
}

void read_description(wire::ObjectReader& reader, std::string& description) {
  if (reader.has("description")) description = reader.text("description", 0, description_characters_max);
}

}  // namespace

Result<NewProduct> read_new_product(std::string_view body) {
  const auto json = wire::parse_json(body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  NewProduct product;
  product.texts.name = reader.line("name", name_characters_max);
  read_description(reader, product.texts.description);
  read_category(reader, product.texts.category);
  read_price(reader, product.terms.price);
  product.stock = reader.integer("stock", 0, ProductStock::stock_max);
  read_kind(reader, product.terms.kind);
  read_sale(reader, product.terms.sale);
  read_publish_at(reader, product.terms.publish_at);
  expect_sale_of_event(reader, product.terms);
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return product;
}

Result<> read_product_patch(std::string_view body, ProductTerms& terms, ProductTexts& texts) {
  const auto json = wire::parse_json(body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  if (reader.has("name")) texts.name = reader.line("name", name_characters_max);
  read_description(reader, texts.description);
  read_category(reader, texts.category);
  if (reader.has("price")) read_price(reader, terms.price);
  read_kind(reader, terms.kind);
  read_sale(reader, terms.sale);
  read_publish_at(reader, terms.publish_at);
  if (reader.has("kind") || reader.has("sale")) expect_sale_of_event(reader, terms);
  return reader.finish();
}

Result<StockChange> read_stock_change(std::string_view body) {
  const auto json = wire::parse_json(body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  StockChange change;
  change.delta = reader.integer("delta", -ProductStock::stock_max, ProductStock::stock_max);
  change.reason = reader.visible_text("reason", 200);
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return change;
}

}  // namespace market::product
