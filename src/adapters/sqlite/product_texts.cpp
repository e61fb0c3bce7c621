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

Result<> put_image(soci::session& sql, const ProductText& text, const ProductImage& image) {
  const long long id = text.id.value;
  soci::blob bytes(sql);
  bytes.write(0, image.bytes.data(), image.bytes.size());
  sql << "REPLACE INTO product_images(id, media_type, bytes) VALUES(:id, :media_type, :bytes)", soci::use(id),
      soci::use(image.media_type), soci::use(bytes);
  return put(sql, text);
}

Result<ProductImage> read_image(soci::session& sql, ProductId product) {
  const long long id = product.value;
  ProductImage image;
  soci::blob bytes(sql);
  sql << "SELECT media_type, bytes FROM product_images WHERE id = :id", soci::use(id),
      soci::into(image.media_type), soci::into(bytes);
  if (!sql.got_data()) return fail(Code::not_found, "the product has no picture");
  image.bytes.resize(bytes.get_len());
  if (!image.bytes.empty()) bytes.read(0, image.bytes.data(), image.bytes.size());
  return image;
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

Task<> SqliteProductTexts::store_image(ProductText text, ProductImage image) {
  return database_.write([text = std::move(text), image = std::move(image)](soci::session& sql) {
    return put_image(sql, text, image);
  });
}

Task<ProductImage> SqliteProductTexts::load_image(ProductId product) {
  return database_.read([product](soci::session& sql) { return read_image(sql, product); });
}

Result<std::vector<ProductText>> SqliteProductTexts::load_all() {
  return database_.read_now(read_all);
}

}  // namespace market::sqlite
