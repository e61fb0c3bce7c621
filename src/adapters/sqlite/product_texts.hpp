#pragma once
/// ports/product_texts.hpp on main.db.

#include "ports/product_texts.hpp"

namespace market::sqlite {

class MainDatabase;

class SqliteProductTexts final : public ProductTexts {
 public:
  explicit SqliteProductTexts(MainDatabase& database) : database_(database) {}
  Task<> store(ProductText text) override;
  Task<> store_image(ProductText text, ProductImage image) override;
  Task<ProductImage> load_image(ProductId product) override;
  Result<std::vector<ProductText>> load_all() override;

 private:
  MainDatabase& database_;
};

}  // namespace market::sqlite
