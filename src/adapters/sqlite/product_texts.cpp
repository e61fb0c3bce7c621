#include "adapters/sqlite/product_texts.hpp"

#include "adapters/sqlite/main_database.hpp"

namespace market::sqlite {
namespace {

Instant instant_of(long long millis) {
  return Instant(Millis(millis));
}
long long millis_of(Instant at) {
  return at.time_since_epoch().count();
}

Result<> put(soci::session& sql, const ProductText& text) {
  const long long id = text.id.value, created_at = millis_of(text.created_at),
                  updated_at = millis_of(text.updated_at);
  sql << "REPLACE INTO product_texts(id, name, description, category, image_url, created_at, updated_at) "
         "VALUES(:id, :name, :description, :category, :image_url, :created_at, :updated_at)",
      soci::use(id), soci::use(text.name), soci::use(text.description), soci::use(text.category),
      soci::use(text.image_url), soci::use(created_at), soci::use(updated_at);
  return {};
}

Result<std::vector<ProductText>> read_all(soci::session& sql) {
  std::vector<ProductText> all;
  ProductText text;
  long long id = 0, created_at = 0, updated_at = 0;
  soci::statement rows =
      (sql.prepare
           << "SELECT id, name, description, category, image_url, created_at, updated_at FROM product_texts "
              "ORDER BY id",
       soci::into(id), soci::into(text.name), soci::into(text.description), soci::into(text.category),
       soci::into(text.image_url), soci::into(created_at), soci::into(updated_at));
  rows.execute();
  while (rows.fetch()) {
    text.id = ProductId{id};
    text.created_at = instant_of(created_at);
    text.updated_at = instant_of(updated_at);
    all.push_back(text);
  }
  return all;
}

}  // namespace

Task<> SqliteProductTexts::store(ProductText text) {
  return database_.write([text = std::move(text)](soci::session& sql) { return put(sql, text); });
}

Result<std::vector<ProductText>> SqliteProductTexts::load_all() {
  return database_.read_now(read_all);
}

}  // namespace market::sqlite
