#include "services/product/catalogue.hpp"

#include "services/product/product_image.hpp"

namespace market::product {

std::shared_ptr<const ProductPage> render(const ShownProduct& product) {
  const std::string image_url = image_url_of(product.id, product.texts.picture);
  const wire::ProductFacts facts{product.id, product.version,    product.texts,     product.terms,
                                 image_url,  product.created_at, product.updated_at};
  SearchText search(product.texts.name, product.texts.category, product.texts.description);
  return std::make_shared<const RenderedPage>(wire::ProductView(facts), std::move(search));
}

SaleStateName Catalogue::state_of(const ShownProduct& product) const {
  if (board_.recovering()) return SaleStateName::recovering;
  return sale_state(product.terms, product.live->remaining.load(std::memory_order_relaxed), clock_.now());
}

void Catalogue::append_page(std::string& out, const ShownProduct& product, SaleStateName state) const {
  page_of(product).view.append_to(out, state, product.live->remaining.load(std::memory_order_relaxed),
                                  product.live->capacity.load(std::memory_order_relaxed));
}

void Catalogue::append_stock(std::string& out, const ShownProduct& product) const {
  wire::append_stock(out, state_of(product), is_paused(product.terms),
                     product.live->remaining.load(std::memory_order_relaxed),
                     product.live->capacity.load(std::memory_order_relaxed), clock_.now());
}

}  // namespace market::product
