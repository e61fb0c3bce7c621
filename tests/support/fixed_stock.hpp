#pragma once
/// Live stock that a test sets by hand.

#include <map>

#include "ports/live_stock.hpp"

namespace market::tests {

class FixedStock final : public LiveStock {
 public:
  LiveProduct& list(ProductId id, ProductTerms terms, std::int64_t remaining = 5) {
    const auto before = products.find(id);
    auto live = before == products.end() ? std::make_shared<LiveProduct>(id) : before->second->live;
    live->remaining = remaining;
    live->capacity = remaining;
    products[id] = std::make_shared<const ListedProduct>(ListedProduct{std::move(terms), live});
    return *live;
  }
  const ListedProduct* find(ProductId id) const override {
    const auto found = products.find(id);
    return found == products.end() ? nullptr : found->second.get();
  }
  bool recovering() const override { return recovers; }
  bool may_know(RequestKey) const override { return false; }

  std::map<ProductId, std::shared_ptr<const ListedProduct>> products;
  bool recovers = false;
};

}  // namespace market::tests
