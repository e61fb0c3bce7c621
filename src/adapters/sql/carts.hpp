#pragma once
/// ports/carts.hpp and ports/wish_lists.hpp on main.db.

#include "ports/carts.hpp"
#include "ports/wish_lists.hpp"

namespace market::sql {

class MainDatabase;

class SqlCarts final : public Carts {
 public:
  explicit SqlCarts(MainDatabase& database) : database_(database) {}
  Task<std::vector<CartItem>> items(UserId user) override;
  Task<> put(UserId user, CartItem item, Instant now) override;
  Task<> remove(UserId user, ProductId product) override;
  Task<> clear(UserId user) override;
  Task<std::vector<ProductId>> merge(UserId user, std::vector<CartItem> items, Instant now) override;

 private:
  MainDatabase& database_;
};

class SqlWishLists final : public WishLists {
 public:
  explicit SqlWishLists(MainDatabase& database) : database_(database) {}
  Task<std::vector<Wish>> list(UserId user, std::optional<Wish> after, int limit) override;
  Task<> put(UserId user, Wish wish) override;
  Task<> remove(UserId user, ProductId product) override;

 private:
  MainDatabase& database_;
};

}  // namespace market::sql
