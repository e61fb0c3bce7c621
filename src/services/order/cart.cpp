#include "services/order/cart.hpp"

#include <algorithm>

#include "domain/sale/decide.hpp"
#include "wire/json/product_view.hpp"

namespace market::order {
namespace {

/// A line that cannot be ordered, perhaps only as the board is behind. That a sale is not open the clock
/// says, and before an opening everybody looks.
bool may_be_news(const CartLine& line) {
  return line.reason && *line.reason != Code::sale_not_open;
}

}  // namespace

bool ShoppingCart::is_there(ProductId id) const {
  const ShownProduct* product = board_.find(id);
  return product != nullptr && is_public(product->terms, clock_.now());
}

CartLine ShoppingCart::line_of(const CartItem& item) const {
  CartLine line;
  line.item = item;
  const ShownProduct* product = board_.find(item.product);
  const Instant now = clock_.now();
  if (product == nullptr || !is_public(product->terms, now)) {
    line.reason = Code::product_not_found;
    // What was public until it was withdrawn: its name says what is gone.
    if (product != nullptr && product->terms.withdrawn && is_published(product->terms, now))
      line.name = product->texts.name;
    return line;
  }
  line.shown = true;
  line.name = product->texts.name;
  line.image_url = wire::image_url_of(product->id, product->texts.picture);
  line.terms = product->terms;
  line.remaining = product->live->remaining.load(std::memory_order_relaxed);
  line.state =
      board_.recovering() ? SaleStateName::recovering : sale_state(product->terms, line.remaining, now);
  if (const auto refused = refuses_visibly(product->terms, line.remaining, now))
    line.reason = refused->code;
  else if (line.terms.sale && line.terms.sale->per_user_limit &&
           item.quantity > *line.terms.sale->per_user_limit)
    line.reason = Code::limit_exceeded;
  else if (line.remaining < item.quantity)
    line.reason = Code::insufficient_stock;
  return line;
}

Cart ShoppingCart::cart_of(const std::vector<CartItem>& items) const {
  Cart cart;
  cart.total = Money{};
  cart.orderable = !items.empty();
  bool first = true;
  for (const CartItem& item : items) {
    cart.lines.push_back(line_of(item));
    const CartLine& line = cart.lines.back();
    if (line.reason) {
      cart.orderable = false;
      continue;
    }
    const Money price = line.total();
    if (first) cart.total = Money{0, price.currency};
    first = false;
    if (cart.total && cart.total->currency != price.currency) cart.total.reset();
    if (cart.total) cart.total->amount += price.amount;
  }
  cart.orderable = cart.orderable && cart.total.has_value();
  return cart;
}

Task<Cart> ShoppingCart::show(UserId user) const {
  const auto items = co_await carts_.items(user);
  if (!items) co_return fail(items.error());
  Cart cart = cart_of(*items);
  if (catch_up_ && std::any_of(cart.lines.begin(), cart.lines.end(), may_be_news)) {
    const auto caught_up = co_await catch_up_();
    if (caught_up) cart = cart_of(*items);  // Without the log one shows what one has.
  }
  co_return cart;
}

Task<Cart> ShoppingCart::put(UserId user, CartItem item) const {
  if (!is_there(item.product)) co_return fail(Code::product_not_found, "there is no such product");
  const auto stored = co_await carts_.put(user, item, clock_.now());
  if (!stored) co_return fail(stored.error());
  auto cart = co_await show(user);
  co_return cart;
}

Task<ShoppingCart::Merged> ShoppingCart::merge(UserId user, std::vector<CartItem> items) const {
  Merged merged;
  std::vector<CartItem> wanted;
  for (const CartItem& item : items) {
    const auto same = std::find_if(wanted.begin(), wanted.end(),
                                   [&](const CartItem& each) { return each.product == item.product; });
    if (same != wanted.end())
      same->quantity = std::max(same->quantity, item.quantity);
    else if (is_there(item.product))
      wanted.push_back(item);
    else
      merged.left_out.push_back({item.product, Code::product_not_found});
  }
  const auto no_room = co_await carts_.merge(user, std::move(wanted), clock_.now());
  if (!no_room) co_return fail(no_room.error());
  for (const ProductId product : *no_room) merged.left_out.push_back({product, Code::list_full});
  auto cart = co_await show(user);
  if (!cart) co_return fail(cart.error());
  merged.cart = std::move(*cart);
  co_return merged;
}

}  // namespace market::order
