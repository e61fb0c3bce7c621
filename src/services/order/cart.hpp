#pragma once
/// The cart as it stands now: what each product costs and whether it can be bought, asked of the board at
/// each look. It holds no units and no prices: whoever orders first gets them, at the price of then.

#include <optional>

#include "ports/carts.hpp"
#include "ports/product_board.hpp"

namespace market::order {

/// One product in the cart, as pages show it.
struct CartLine {
  CartItem item;
  /// Why it cannot be ordered now: product_not_found, sale_not_open, sale_closed, sold_out, limit_exceeded,
  /// insufficient_stock; none: it can.
  std::optional<Code> reason;
  bool shown = false;  ///< False: nothing below may be told, since the product is not public.
  std::string name, image_url;
  ProductTerms terms;
  SaleStateName state = SaleStateName::closed;
  std::int64_t remaining = 0;

  Money total() const {
    return Money{terms.price.amount * static_cast<std::int64_t>(item.quantity), terms.price.currency};
  }
};

struct Cart {
  std::vector<CartLine> lines;
  /// Of what can be ordered now; none when that has prices in several currencies.
  std::optional<Money> total;
  /// One order may have it all: there is something, all can be bought, in one currency.
  bool orderable = false;
};

class ShoppingCart {
 public:
  ShoppingCart(Carts& carts, const ProductBoard& board, const Clock& clock, CatchUp catch_up = {})
      : carts_(carts), board_(board), clock_(clock), catch_up_(std::move(catch_up)) {}

  /// What cannot be ordered is looked at again when the board has caught up, if it can. Errors: those of the
  /// port (as for all below).
  Task<Cart> show(UserId user) const;
  /// Errors: product_not_found, list_full.
  Task<Cart> put(UserId user, CartItem item) const;
  struct LeftOut {
    ProductId product;
    Code reason = Code::product_not_found;  ///< Or list_full.
  };
  struct Merged {
    Cart cart;
    std::vector<LeftOut> left_out;
  };
  /// What a browser has collected before its user signed in. Of a product that stands twice the greater
  /// quantity counts.
  Task<Merged> merge(UserId user, std::vector<CartItem> items) const;

 private:
  bool is_there(ProductId product) const;
  CartLine line_of(const CartItem& item) const;
  Cart cart_of(const std::vector<CartItem>& items) const;

  Carts& carts_;
  const ProductBoard& board_;
  const Clock& clock_;
  const CatchUp catch_up_;
};

}  // namespace market::order
