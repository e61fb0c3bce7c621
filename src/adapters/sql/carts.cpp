#include "adapters/sql/carts.hpp"

#include <fmt/format.h>

#include "adapters/sql/instants.hpp"
#include "adapters/sql/main_database.hpp"

namespace market::sql {
namespace {

bool has_item(soci::session& sql, long long user, long long product) {
  int one = 0;
  sql << "SELECT 1 FROM cart_items WHERE user_id = :user AND product_id = :product", soci::use(user),
      soci::use(product), soci::into(one);
  return sql.got_data();
}

bool is_full(soci::session& sql, long long user) {
  long long count = 0;
  sql << "SELECT count(*) FROM cart_items WHERE user_id = :user", soci::use(user), soci::into(count);
  return count >= static_cast<long long>(cart_items_max);
}

/// False: it is a new one and there is no room.
bool put_item(soci::session& sql, UserId of, const CartItem& item, Instant now) {
  const long long user = of.value, product = item.product.value, at = millis_of(now);
  const int quantity = item.quantity;
  if (has_item(sql, user, product)) {
    sql << "UPDATE cart_items SET quantity = :quantity WHERE user_id = :user AND product_id = :product",
        soci::use(quantity), soci::use(user), soci::use(product);
    return true;
  }
  if (is_full(sql, user)) return false;
  sql << "INSERT INTO cart_items(user_id, product_id, quantity, added_at) "
         "VALUES(:user, :product, :quantity, :at)",
      soci::use(user), soci::use(product), soci::use(quantity), soci::use(at);
  return true;
}

std::vector<CartItem> read_items(soci::session& sql, long long user) {
  long long product = 0;
  int quantity = 0;
  soci::statement rows = (sql.prepare << "SELECT product_id, quantity FROM cart_items WHERE user_id = :user "
                                         "ORDER BY added_at, product_id",
                          soci::use(user), soci::into(product), soci::into(quantity));
  std::vector<CartItem> items;
  rows.execute();
  while (rows.fetch()) items.push_back(CartItem{ProductId{product}, quantity});
  return items;
}

}  // namespace

Task<std::vector<CartItem>> SqlCarts::items(UserId user) {
  return database_.read(
      [user = static_cast<long long>(user.value)](soci::session& sql) -> Result<std::vector<CartItem>> {
        return read_items(sql, user);
      });
}

Task<> SqlCarts::put(UserId user, CartItem item, Instant now) {
  return database_.write([user, item, now](soci::session& sql) -> Result<> {
    if (put_item(sql, user, item, now)) return {};
    return fail(Code::list_full, fmt::format("a cart has {} products at most", cart_items_max));
  });
}

Task<> SqlCarts::remove(UserId user, ProductId product) {
  return database_.write([user = static_cast<long long>(user.value),
                          product = static_cast<long long>(product.value)](soci::session& sql) -> Result<> {
    sql << "DELETE FROM cart_items WHERE user_id = :user AND product_id = :product", soci::use(user),
        soci::use(product);
    return {};
  });
}

Task<> SqlCarts::clear(UserId user) {
  return database_.write([user = static_cast<long long>(user.value)](soci::session& sql) -> Result<> {
    sql << "DELETE FROM cart_items WHERE user_id = :user", soci::use(user);
    return {};
  });
}

Task<std::vector<ProductId>> SqlCarts::merge(UserId user, std::vector<CartItem> items, Instant now) {
  return database_.write(
      [user, items = std::move(items), now](soci::session& sql) -> Result<std::vector<ProductId>> {
        const auto known = read_items(sql, user.value);
        std::vector<ProductId> left_out;
        for (const CartItem& item : items) {
          bool enough = false;
          for (const CartItem& there : known)
            enough = enough || (there.product == item.product && there.quantity >= item.quantity);
          if (!enough && !put_item(sql, user, item, now)) left_out.push_back(item.product);
        }
        return left_out;
      });
}

// ---- Wish lists ----

Task<std::vector<Wish>> SqlWishLists::list(UserId user, std::optional<Wish> after, int limit) {
  return database_.read([user = static_cast<long long>(user.value), after,
                         limit](soci::session& sql) -> Result<std::vector<Wish>> {
    const long long at = after ? millis_of(after->added_at) : std::numeric_limits<long long>::max();
    const long long product = after ? after->product.value : std::numeric_limits<long long>::max();
    long long found_product = 0, found_at = 0;
    soci::statement rows =
        (sql.prepare << "SELECT product_id, added_at FROM wishes WHERE user_id = :user AND "
                        "(added_at < :at OR (added_at = :at2 AND product_id < :product)) "
                        "ORDER BY added_at DESC, product_id DESC LIMIT :limit",
         soci::use(user), soci::use(at), soci::use(at), soci::use(product), soci::use(limit),
         soci::into(found_product), soci::into(found_at));
    std::vector<Wish> wishes;
    rows.execute();
    while (rows.fetch()) wishes.push_back(Wish{ProductId{found_product}, Instant(Millis(found_at))});
    return wishes;
  });
}

Task<> SqlWishLists::put(UserId user, Wish wish) {
  return database_.write([user = static_cast<long long>(user.value), wish](soci::session& sql) -> Result<> {
    const long long product = wish.product.value, at = millis_of(wish.added_at);
    int one = 0;
    sql << "SELECT 1 FROM wishes WHERE user_id = :user AND product_id = :product", soci::use(user),
        soci::use(product), soci::into(one);
    if (sql.got_data()) return {};
    long long count = 0;
    sql << "SELECT count(*) FROM wishes WHERE user_id = :user", soci::use(user), soci::into(count);
    if (count >= wishes_max)
      return fail(Code::list_full, fmt::format("a wish list has {} products at most", wishes_max));
    sql << "INSERT INTO wishes(user_id, product_id, added_at) VALUES(:user, :product, :at)", soci::use(user),
        soci::use(product), soci::use(at);
    return {};
  });
}

Task<> SqlWishLists::remove(UserId user, ProductId product) {
  return database_.write([user = static_cast<long long>(user.value),
                          product = static_cast<long long>(product.value)](soci::session& sql) -> Result<> {
    sql << "DELETE FROM wishes WHERE user_id = :user AND product_id = :product", soci::use(user),
        soci::use(product);
    return {};
  });
}

}  // namespace market::sql
