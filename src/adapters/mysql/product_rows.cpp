#include "adapters/mysql/product_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sql/instants.hpp"
#include "domain/sale/fold_order.hpp"

namespace market::mysql {
namespace {

using sql::instant_of;
using sql::millis_of;

std::string number_or_null(std::optional<std::int64_t> value) {
  return value ? std::to_string(*value) : "NULL";
}
std::optional<std::int64_t> millis_of(const std::optional<Instant>& at) {
  if (!at) return std::nullopt;
  return sql::millis_of(*at);
}

ProductTerms terms_of(const Row& row) {
  ProductTerms terms;
  terms.seller = UserId{row.integer(2)};
  terms.price.amount = row.integer(3);
  const std::string &currency = row.text(4), &kind = row.text(5);
  if (currency.size() != 3 || (kind != text_of(ProductKind::event) && kind != text_of(ProductKind::regular)))
    throw std::runtime_error(fmt::format("the record of product {} is damaged", row.integer(0)));
  std::copy(currency.begin(), currency.end(), terms.price.currency.letters.begin());
  terms.kind = kind == text_of(ProductKind::event) ? ProductKind::event : ProductKind::regular;
  if (!row.is_null(6)) {
    Sale sale;
    sale.opens_at = instant_of(row.integer(6));
    if (!row.is_null(7)) sale.closes_at = instant_of(row.integer(7));
    if (!row.is_null(8)) sale.per_user_limit = static_cast<std::int32_t>(row.integer(8));
    sale.paused = row.integer(17) != 0;
    terms.sale = sale;
  }
  if (!row.is_null(9)) terms.publish_at = instant_of(row.integer(9));
  terms.withdrawn = row.integer(10) != 0;
  return terms;
}

constexpr auto columns =
    "id, version, seller, price, currency, kind, opens_at, closes_at, per_user_limit, publish_at, withdrawn, "
    "name, "
    "description, category, picture, created_at, updated_at, paused";

}  // namespace

void ProductFold::fold(const CountedEvent& counted) {
  const Fact& fact = counted.event.fact;
  if (const auto* listed = std::get_if<ProductListed>(&fact)) {
    put(listed->product, 1, listed->terms, listed->texts, counted);
    moved_[listed->product].listed = true;
  } else if (const auto* changed = std::get_if<ProductChanged>(&fact)) {
    put(changed->product, changed->version, changed->terms, changed->texts, counted);
  }
  for (const StockMove& move : stock_moves(fact))
    moved_[move.product].moves.push_back({counted.place, {move.remaining, move.capacity}});
}

void ProductFold::put(ProductId id, std::int64_t version, const ProductTerms& terms,
                      const ProductTexts& texts, const CountedEvent& counted) {
  std::optional<std::int64_t> opens, closes, limit;
  if (terms.sale) {
    opens = millis_of(terms.sale->opens_at);
    closes = millis_of(terms.sale->closes_at);
    if (terms.sale->per_user_limit) limit = *terms.sale->per_user_limit;
  }
  const auto at = millis_of(counted.event.at);
  std::string changes;
  for (const auto* column : {"version", "seller", "price", "currency", "kind", "opens_at", "closes_at",
                             "per_user_limit", "publish_at", "withdrawn", "name", "description", "category",
                             "picture", "updated_at", "paused", "place"})
    fmt::format_to(std::back_inserter(changes),
                   "{}{} = IF(VALUES(place) > products.place, VALUES({}), products.{})",
                   changes.empty() ? "" : ", ", column, column, column);
  session_.execute(fmt::format(
      "INSERT INTO products({}, place) VALUES({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
      "{}, {}, {}, {}, {}, {}, {}) "
      "ON DUPLICATE KEY UPDATE {}",
      columns, id.value, version, terms.seller.value, terms.price.amount, quoted(terms.price.currency.text()),
      quoted(text_of(terms.kind)), number_or_null(opens), number_or_null(closes), number_or_null(limit),
      number_or_null(millis_of(terms.publish_at)), terms.withdrawn ? 1 : 0, quoted(texts.name),
      quoted(texts.description), quoted(texts.category), quoted(texts.picture), at, at,
      terms.sale && terms.sale->paused ? 1 : 0, counted.place, changes));
  // The name that holds so far is that of the highest version below; an equal one needs no row.
  const auto before = session_.query(fmt::format(
      "SELECT name FROM product_names WHERE product = {} AND version < {} ORDER BY version DESC LIMIT 1",
      id.value, version));
  if (before.empty() || before[0].text(0) != texts.name)
    session_.execute(fmt::format("REPLACE INTO product_names(product, version, name) VALUES({}, {}, {})",
                                 id.value, version, quoted(texts.name)));
}

void ProductFold::finish() {
  if (moved_.empty()) return;
  std::string ids, rows;
  for (const auto& [id, moved] : moved_)
    fmt::format_to(std::back_inserter(ids), "{}{}", ids.empty() ? "" : ",", id.value);
  struct Stock {
    Place stored = 0;
    std::int64_t remaining = 0, capacity = 0;
  };
  std::map<ProductId, Stock> stored;
  for (const Row& row :
       session_.query("SELECT product, place, remaining, capacity FROM product_stock WHERE product IN (" +
                      ids + ") FOR UPDATE"))
    stored[ProductId{row.integer(0)}] = Stock{row.integer(1), row.integer(2), row.integer(3)};
  for (const auto& [id, moved] : moved_) {
    const auto known = stored.find(id);
    if (known == stored.end() && !moved.listed) continue;  // No such product: it changes nothing anywhere.
    Stock stock = known == stored.end() ? Stock{} : known->second;
    Place newest = stock.stored;
    for (const auto& [place, move] : moved.moves) {
      if (place <= stock.stored) continue;
      stock.remaining += move.first;
      stock.capacity += move.second;
      newest = place;
    }
    if (newest != stock.stored)
      fmt::format_to(std::back_inserter(rows), "{}({},{},{},{})", rows.empty() ? "" : ",", id.value,
                     stock.remaining, stock.capacity, newest);
  }
  if (!rows.empty())
    session_.execute("REPLACE INTO product_stock(product, remaining, capacity, place) VALUES " + rows);
}

std::vector<RecordedProduct> read_products(Session& session) {
  std::vector<RecordedProduct> products;
  for (const Row& row : session.query(fmt::format(
           "SELECT {}, product_stock.remaining, product_stock.capacity FROM products JOIN product_stock ON "
           "product_stock.product = products.id ORDER BY id",
           columns))) {
    RecordedProduct& product = products.emplace_back();
    product.id = ProductId{row.integer(0)};
    product.version = row.integer(1);
    product.terms = terms_of(row);
    product.texts = ProductTexts{row.text(11), row.text(12), row.text(13), row.text(14)};
    product.created_at = instant_of(row.integer(15));
    product.updated_at = instant_of(row.integer(16));
    product.stock.remaining = row.integer(18);
    product.stock.capacity = row.integer(19);
  }
  auto at = products.begin();
  for (const Row& row :
       session.query("SELECT product, version, name FROM product_names ORDER BY product, version")) {
    while (at != products.end() && at->id.value < row.integer(0)) ++at;
    if (at != products.end() && at->id.value == row.integer(0))
      at->names.emplace_back(row.integer(1), row.text(2));
  }
  return products;
}

}  // namespace market::mysql
