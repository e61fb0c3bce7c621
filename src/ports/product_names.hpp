#pragma once
/// What products are called, for pages of orders: also of products that are withdrawn.

#include <string_view>

#include "base/id.hpp"

namespace market {

class ProductNames {
 public:
  virtual ~ProductNames() = default;
  /// Empty when unknown. Valid until this thread asks for products again. Any thread, never blocks.
  virtual std::string_view name_of(ProductId id) const = 0;
};

}  // namespace market
