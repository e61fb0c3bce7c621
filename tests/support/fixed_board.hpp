#pragma once
/// A product board that a test sets by hand. As with the real one, what find() and name_of() answer is gone
/// as soon as somebody asks again, so a pointer that is kept too long shows under AddressSanitizer.

#include <functional>
#include <map>

#include "ports/product_board.hpp"

namespace market::tests {

class FixedBoard final : public ProductBoard {
 public:
  using Render = std::function<std::shared_ptr<const ProductPage>(const ShownProduct&)>;
  explicit FixedBoard(Render render = {}) : render_(std::move(render)) {}

  /// A known product gets the next version and these units.
  LiveStock& list(ProductId id, ProductTerms terms, std::int64_t remaining = 5, ProductTexts texts = {}) {
    const auto before = products.find(id);
    auto shown = std::make_shared<ShownProduct>();
    shown->id = id;
    shown->version = before == products.end() ? 1 : before->second->version + 1;
    shown->updated_at = now;
    shown->terms = std::move(terms);
    shown->texts = std::move(texts);
    shown->live = before == products.end() ? std::make_shared<LiveStock>(id) : before->second->live;
    shown->live->remaining = remaining;
    shown->live->capacity = remaining;
    ++shown->live->changes;
    if (render_) shown->page = render_(*shown);
    names_[{id, shown->version}] = shown->texts.name;
    products[id] = shown;
    return *shown->live;
  }

  const ShownProduct* find(ProductId id) const override {
    const auto found = products.find(id);
    answered_ = found == products.end() ? nullptr : std::make_shared<const ShownProduct>(*found->second);
    return answered_.get();
  }
  std::string_view name_of(ProductId id, std::int64_t version) const override {
    const auto found = names_.find({id, version});
    answered_name_ = std::make_shared<const std::string>(found == names_.end() ? "" : found->second);
    return *answered_name_;
  }
  std::vector<ShownProductPtr> newest(ProductId before, std::size_t count) const override {
    std::vector<ShownProductPtr> page;
    for (const auto& [id, product] : products)
      if (!product->terms.withdrawn && (!before || id < before) && page.size() < count)
        page.push_back(product);
    return page;
  }
  std::shared_ptr<const std::vector<ShownProductPtr>> all() const override {
    return std::make_shared<const std::vector<ShownProductPtr>>(newest({}, products.size()));
  }
  bool recovering() const override { return recovers; }
  bool may_know(RequestKey) const override { return knows_keys; }

  std::map<ProductId, ShownProductPtr, std::greater<>> products;
  bool recovers = false, knows_keys = false;
  Instant now{};  ///< When the next is listed or changed.

 private:
  Render render_;
  std::map<std::pair<ProductId, std::int64_t>, std::string> names_;
  mutable ShownProductPtr answered_;
  mutable std::shared_ptr<const std::string> answered_name_;
};

}  // namespace market::tests
