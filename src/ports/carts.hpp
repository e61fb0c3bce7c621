#pragma once
/// What each user has put into the cart. Products are ids alone: what they cost and whether they are there is
/// asked when the cart is shown. A cart holds no units.

#include <vector>

#include "base/id.hpp"
#include "base/task.hpp"
#include "domain/sale/order.hpp"

namespace market {

struct CartItem {
  ProductId product;
  std::int32_t quantity = 0;
  friend bool operator==(const CartItem&, const CartItem&) = default;
};
/// A cart fits into one order.
inline constexpr std::size_t cart_items_max = order_lines_max;

class Carts {
 public:
  virtual ~Carts() = default;
  /// Those put in first come first. Errors: unavailable, overloaded (as for all below).
  virtual Task<std::vector<CartItem>> items(UserId user) = 0;
  /// Sets the quantity of one product. Errors: list_full.
  virtual Task<> put(UserId user, CartItem item, Instant now) = 0;
  /// One that is not there is fine.
  virtual Task<> remove(UserId user, ProductId product) = 0;
  virtual Task<> clear(UserId user) = 0;
  /// Adds these, all at once; where both have a product the greater quantity stays, so that merging twice
  /// is merging once. Answers those for which there was no room.
  virtual Task<std::vector<ProductId>> merge(UserId user, std::vector<CartItem> items, Instant now) = 0;
};

}  // namespace market
