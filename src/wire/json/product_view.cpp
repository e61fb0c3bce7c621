#include "wire/json/product_view.hpp"

#include <fmt/format.h>

#include "wire/json/json.hpp"
#include "wire/json/order_view.hpp"

namespace market::wire {

std::string_view image_version_of(std::string_view hash) {
  constexpr std::size_t version_digits = 16;
  return hash.substr(0, version_digits);
}

std::string image_url_of(ProductId product, std::string_view hash) {
  if (hash.empty()) return {};
  return fmt::format("{}/products/{}/image?v={}", api_base, product.text(), image_version_of(hash));
}

ProductView::ProductView(const ProductFacts& product)
    : has_sale_(product.terms.sale.has_value()), version_(product.version) {
  const ProductTerms& terms = product.terms;
  head_ = "{\"id\":\"" + product.id.text() + "\",\"name\":";
  append_json_string(head_, product.texts.name);
  head_ += ",\"description\":";
  append_json_string(head_, product.texts.description);
  head_ += ",\"category\":";
  append_json_string(head_, product.texts.category);
  head_ += ",\"price\":";
  append_money(head_, terms.price);
  head_ += ",\"imageUrl\":";
  if (product.image_url.empty())
    head_ += "null";
  else
    append_json_string(head_, product.image_url);
  head_.append(",\"kind\":\"").append(text_of(terms.kind)).append("\",\"sale\":");
  if (terms.sale) {
    head_ += "{\"opensAt\":";
    append_time(head_, terms.sale->opens_at);
    head_ += ",\"closesAt\":";
    if (terms.sale->closes_at)
      append_time(head_, *terms.sale->closes_at);
    else
      head_ += "null";
    head_ += ",\"perUserLimit\":";
    if (terms.sale->per_user_limit)
      append_number(head_, *terms.sale->per_user_limit);
    else
      head_ += "null";
    head_.append(",\"paused\":").append(terms.sale->paused ? "true" : "false");
    head_ += ",\"state\":\"";
  } else {
    head_ += "null,\"stock\":{\"remaining\":";
  }
  tail_ = "},\"publishAt\":";
  if (terms.publish_at)
    append_time(tail_, *terms.publish_at);
  else
    tail_ += "null";
  tail_ += ",\"sellerId\":\"" + terms.seller.text() + "\",\"createdAt\":";
  append_time(tail_, product.created_at);
  tail_ += ",\"updatedAt\":";
  append_time(tail_, product.updated_at);
  tail_ += '}';
}

void ProductView::append_to(std::string& out, SaleStateName state, std::int64_t remaining,
                            std::int64_t capacity) const {
  out.reserve(out.size() + head_.size() + tail_.size() + 96);
  out += head_;
  if (has_sale_) out.append(text_of(state)).append("\"},\"stock\":{\"remaining\":");
  append_number(out, remaining);
  out += ",\"capacity\":";
  append_number(out, capacity);
  out += tail_;
}

std::string ProductView::etag(SaleStateName state) const {
  std::string tag = "\"";
  append_number(tag, version_);
  tag.append(".").append(text_of(state)).append("\"");
  return tag;
}

void append_stock(std::string& out, SaleStateName state, bool paused, std::int64_t remaining,
                  std::int64_t capacity, Instant as_of) {
  out += "{\"remaining\":";
  append_number(out, remaining);
  out += ",\"capacity\":";
  append_number(out, capacity);
  out.append(",\"saleState\":\"").append(text_of(state));
  out.append(paused ? "\",\"paused\":true,\"asOf\":" : "\",\"paused\":false,\"asOf\":");
  append_time(out, as_of);
  out += '}';
}

}  // namespace market::wire
