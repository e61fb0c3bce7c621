#include "adapters/sqlite/product_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "adapters/sql/instants.hpp"

namespace market::sqlite {
namespace {

using sql::instant_of;
using sql::millis_of;

/// Null when `has` is false.
soci::indicator present(bool has) {
  return has ? soci::i_ok : soci::i_null;
}

void write_terms(const ProductTerms& terms, ProductRow& row) {
  row.seller = terms.seller.value;
  row.price = terms.price.amount;
  row.currency = terms.price.currency.text();
  row.kind = text_of(terms.kind);
  const Sale sale = terms.sale.value_or(Sale{});
  row.has_sale = present(terms.sale.has_value());
  row.opens_at = millis_of(sale.opens_at);
  row.has_end = present(sale.closes_at.has_value());
  row.closes_at = millis_of(sale.closes_at.value_or(Instant{}));
  row.has_limit = present(sale.per_user_limit.has_value());
  row.per_user_limit = sale.per_user_limit.value_or(0);
  row.has_publishing = present(terms.publish_at.has_value());
  row.publish_at = millis_of(terms.publish_at.value_or(Instant{}));
  row.withdrawn = terms.withdrawn ? 1 : 0;
  row.paused = sale.paused ? 1 : 0;
}

ProductTerms terms_of(const ProductRow& row) {
  ProductTerms terms;
  terms.seller = UserId{row.seller};
  terms.price.amount = row.price;
  if (row.currency.size() != 3 ||
      (row.kind != text_of(ProductKind::event) && row.kind != text_of(ProductKind::regular)))
    throw std::runtime_error(fmt::format("the record of product {} is damaged", row.id));
  std::copy(row.currency.begin(), row.currency.end(), terms.price.currency.letters.begin());
  terms.kind = row.kind == text_of(ProductKind::event) ? ProductKind::event : ProductKind::regular;
  if (row.has_sale == soci::i_ok) {
    Sale sale;
    sale.opens_at = instant_of(row.opens_at);
    if (row.has_end == soci::i_ok) sale.closes_at = instant_of(row.closes_at);
    if (row.has_limit == soci::i_ok) sale.per_user_limit = static_cast<std::int32_t>(row.per_user_limit);
    sale.paused = row.paused != 0;
    terms.sale = sale;
  }
  if (row.has_publishing == soci::i_ok) terms.publish_at = instant_of(row.publish_at);
  terms.withdrawn = row.withdrawn != 0;
  return terms;
}

RecordedProduct product_of(const ProductRow& row, long long remaining, long long capacity) {
  RecordedProduct product;
  product.id = ProductId{row.id};
  product.version = row.version;
  product.terms = terms_of(row);
  product.texts = ProductTexts{row.name, row.description, row.category, row.picture};
  product.stock.remaining = remaining;
  product.stock.capacity = capacity;
  product.created_at = instant_of(row.created_at);
  product.updated_at = instant_of(row.updated_at);
  return product;
}

}  // namespace

ProductFold::ProductFold(soci::session& sql)
    : sql_(sql),
      put_((
          sql.prepare
              << "INSERT INTO products(id, version, seller, price, currency, kind, opens_at, closes_at, "
                 "per_user_limit, publish_at, withdrawn, paused, name, description, category, picture, "
                 "created_at, updated_at, place) VALUES(:id, :version, :seller, :price, :currency, :kind, "
                 ":opens, :closes, :limit, :publish, :withdrawn, :paused, :name, :description, :category, "
                 ":picture, :created, :updated, :place) ON CONFLICT(id) DO UPDATE SET "
                 "version = excluded.version, seller = excluded.seller, price = excluded.price, "
                 "currency = excluded.currency, kind = excluded.kind, opens_at = excluded.opens_at, "
                 "closes_at = excluded.closes_at, per_user_limit = excluded.per_user_limit, "
                 "publish_at = excluded.publish_at, withdrawn = excluded.withdrawn, "
                 "paused = excluded.paused, name = excluded.name, description = excluded.description, "
                 "category = excluded.category, picture = excluded.picture, "
                 "updated_at = excluded.updated_at, place = excluded.place "
                 "WHERE excluded.place > products.place",
          soci::use(row_.id), soci::use(row_.version), soci::use(row_.seller), soci::use(row_.price),
          soci::use(row_.currency), soci::use(row_.kind), soci::use(row_.opens_at, row_.has_sale),
          soci::use(row_.closes_at, row_.has_end), soci::use(row_.per_user_limit, row_.has_limit),
          soci::use(row_.publish_at, row_.has_publishing), soci::use(row_.withdrawn), soci::use(row_.paused),
          soci::use(row_.name), soci::use(row_.description), soci::use(row_.category),
          soci::use(row_.picture), soci::use(row_.created_at), soci::use(row_.updated_at),
          soci::use(row_.place))),
      read_stock_(
          (sql.prepare << "SELECT remaining, capacity, place FROM product_stock WHERE product = :product",
           soci::use(product_), soci::into(remaining_), soci::into(capacity_), soci::into(place_))),
      put_stock_((sql.prepare << "REPLACE INTO product_stock(product, remaining, capacity, place) "
                                 "VALUES(:product, :remaining, :capacity, :place)",
                  soci::use(product_), soci::use(remaining_), soci::use(capacity_), soci::use(place_))) {}

ProductFold::Stock& ProductFold::stock_of(ProductId product) {
  const auto [at, is_new] = stock_.try_emplace(product);
  Stock& stock = at->second;
  if (!is_new) return stock;
  product_ = product.value;
  if (read_one_row(read_stock_)) stock = Stock{true, place_, place_, remaining_, capacity_};
  return stock;
}

void ProductFold::fold(const CountedEvent& counted) {
  const Fact& fact = counted.event.fact;
  if (const auto* listed = std::get_if<ProductListed>(&fact)) {
    put_product(listed->product, 1, listed->terms, listed->texts, counted);
    stock_of(listed->product).known = true;
  } else if (const auto* changed = std::get_if<ProductChanged>(&fact)) {
    put_product(changed->product, changed->version, changed->terms, changed->texts, counted);
  }
  for (const StockMove& move : stock_moves(fact)) {
    Stock& stock = stock_of(move.product);
    if (counted.place <= stock.stored) continue;
    stock.remaining += move.remaining;
    stock.capacity += move.capacity;
    stock.newest = counted.place;
  }
}

void ProductFold::put_product(ProductId id, std::int64_t version, const ProductTerms& terms,
                              const ProductTexts& texts, const CountedEvent& counted) {
  row_.id = id.value;
  row_.version = version;
  write_terms(terms, row_);
  row_.name = texts.name;
  row_.description = texts.description;
  row_.category = texts.category;
  row_.picture = texts.picture;
  row_.created_at = row_.updated_at = millis_of(counted.event.at);
  row_.place = counted.place;
  put_.execute(true);
  if (put_.get_affected_rows() > 0) put_name();
}

/// A row only when the name differs from the one before.
void ProductFold::put_name() {
  std::string before;
  sql_ << "SELECT name FROM product_names WHERE product = :product AND version < :version "
          "ORDER BY version DESC LIMIT 1",
      soci::use(row_.id), soci::use(row_.version), soci::into(before);
  if (sql_.got_data() && before == row_.name) return;
  sql_ << "REPLACE INTO product_names(product, version, name) VALUES(:product, :version, :name)",
      soci::use(row_.id), soci::use(row_.version), soci::use(row_.name);
}

void ProductFold::finish() {
  for (const auto& [product, stock] : stock_) {
    if (!stock.known || stock.newest == stock.stored) continue;
    product_ = product.value;
    remaining_ = stock.remaining;
    capacity_ = stock.capacity;
    place_ = stock.newest;
    put_stock_.execute(true);
  }
}

std::vector<RecordedProduct> read_products(soci::session& sql) {
  std::vector<RecordedProduct> products;
  ProductRow row;
  long long remaining = 0, capacity = 0;
  soci::statement rows =
      (sql.prepare
           << "SELECT id, version, seller, price, currency, kind, opens_at, closes_at, per_user_limit, "
              "publish_at, withdrawn, paused, name, description, category, picture, created_at, updated_at, "
              "product_stock.remaining, product_stock.capacity FROM products JOIN product_stock "
              "ON product_stock.product = products.id ORDER BY id",
       soci::into(row.id), soci::into(row.version), soci::into(row.seller), soci::into(row.price),
       soci::into(row.currency), soci::into(row.kind), soci::into(row.opens_at, row.has_sale),
       soci::into(row.closes_at, row.has_end), soci::into(row.per_user_limit, row.has_limit),
       soci::into(row.publish_at, row.has_publishing), soci::into(row.withdrawn), soci::into(row.paused),
       soci::into(row.name), soci::into(row.description), soci::into(row.category), soci::into(row.picture),
       soci::into(row.created_at), soci::into(row.updated_at), soci::into(remaining), soci::into(capacity));
  rows.execute();
  while (rows.fetch()) products.push_back(product_of(row, remaining, capacity));

  long long product = 0, version = 0;
  std::string name;
  soci::statement names =
      (sql.prepare << "SELECT product, version, name FROM product_names ORDER BY product, version",
       soci::into(product), soci::into(version), soci::into(name));
  names.execute();
  auto at = products.begin();
  while (names.fetch()) {
    while (at != products.end() && at->id.value < product) ++at;
    if (at != products.end() && at->id.value == product) at->names.emplace_back(version, name);
  }
  return products;
}

}  // namespace market::sqlite
