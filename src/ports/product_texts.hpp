#pragma once
/// What people read of a product: ordinary rows, loaded whole at start and kept in memory by the catalogue.

#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/task.hpp"

namespace market {

struct ProductText {
  ProductId id;
  std::string name, description, category;
  std::string image_url;  ///< Empty: none.
  Instant created_at{}, updated_at{};
};

struct ProductImage {
  std::string media_type;
  std::string bytes;
};

class ProductTexts {
 public:
  virtual ~ProductTexts() = default;
  /// Inserts or replaces. Errors: unavailable, overloaded, insufficient_storage.
  virtual Task<> store(ProductText text) = 0;
  /// As store(), with the picture that `text.image_url` names, in one step. Errors: as store().
  virtual Task<> store_image(ProductText text, ProductImage image) = 0;
  /// Errors: not_found, unavailable, overloaded.
  virtual Task<ProductImage> load_image(ProductId product) = 0;
  /// All of them, at start; blocking. Errors: unavailable.
  virtual Result<std::vector<ProductText>> load_all() = 0;
};

}  // namespace market
