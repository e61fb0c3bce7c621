#include "services/order/cart_routes.hpp"

#include <fmt/format.h>

#include "http/message/problem.hpp"
#include "services/auth/routes.hpp"
#include "services/order/cart.hpp"
#include "wire/json/json.hpp"
#include "wire/json/json_writer.hpp"
#include "wire/json/order_view.hpp"

namespace market::order {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;

struct UseCases {
  explicit UseCases(const CartParts& given)
      : parts(given), cart(given.carts, given.board, given.clock, given.catch_up) {}
  CartParts parts;
  ShoppingCart cart;
};

/// What is not shown (yet, or any more) has no terms.
void append_terms(wire::JsonWriter& json, const CartLine& line) {
  if (!line.shown) {
    for (const auto* name : {"kind", "saleState", "opensAt", "perUserLimit"}) json.key(name).null();
    json.member("remaining", 0).key("unitPrice").null().key("total").null();
    return;
  }
  const auto& sale = line.terms.sale;
  json.member("kind", text_of(line.terms.kind)).member("saleState", text_of(line.state));
  json.member("opensAt", sale ? std::optional(sale->opens_at) : std::nullopt);
  json.member("perUserLimit", sale ? sale->per_user_limit : std::nullopt);
  json.member("remaining", line.remaining);
  json.member("unitPrice", wire::json_of(line.terms.price)).member("total", wire::json_of(line.total()));
}

void append_line(wire::JsonWriter& json, const CartLine& line) {
  json.begin_object().member("productId", line.item.product.text()).member("quantity", line.item.quantity);
  json.member("available", !line.reason);
  json.member_or_null("reason", line.reason ? http::problem_of(*line.reason).code : std::string_view());
  json.member_or_null("name", line.name).member_or_null("imageUrl", line.image_url);
  append_terms(json, line);
  json.end_object();
}

void append_cart(wire::JsonWriter& json, const Cart& cart) {
  json.key("items").begin_array();
  for (const CartLine& line : cart.lines) append_line(json, line);
  json.end_array().key("total");
  if (cart.total)
    json.value(wire::json_of(*cart.total));
  else
    json.null();
  json.member("orderable", cart.orderable);
}

Reply cart_reply(const Cart& cart) {
  std::string body;
  wire::JsonWriter json(body);
  append_cart(json.begin_object(), cart);
  json.end_object();
  return http::json(http::Status::ok, std::move(body));
}

Result<ProductId> product_of(const Request& request) {
  const auto id = ProductId::parse(request.parameters[0]);
  if (!id) return fail(Code::product_not_found, "there is no such product");
  return *id;
}

Task<Reply> show_cart(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto cart = co_await use.cart.show(caller->user);
  if (!cart) co_return fail(cart.error());
  co_return cart_reply(*cart);
}

Task<Reply> put_item(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto product = product_of(request);
  if (!product) co_return fail(product.error());
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  CartItem item{*product, static_cast<std::int32_t>(reader.integer("quantity", 1, OrderLine::quantity_max))};
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  const auto cart = co_await use.cart.put(caller->user, item);
  if (!cart) co_return fail(cart.error());
  co_return cart_reply(*cart);
}

Task<Reply> remove_item(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto product = product_of(request);
  if (!product) co_return fail(product.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto removed = co_await use.parts.carts.remove(caller->user, *product);
  if (!removed) co_return fail(removed.error());
  co_return http::no_content();
}

Task<Reply> clear_cart(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto cleared = co_await use.parts.carts.clear(caller->user);
  if (!cleared) co_return fail(cleared.error());
  co_return http::no_content();
}

/// An id that cannot be one is a product that is not there: a browser's old cart must not block the rest.
Result<std::vector<CartItem>> read_items(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  std::vector<CartItem> items;
  if (const auto* sent = reader.array("items", 0, 2 * cart_items_max)) {
    for (std::size_t i = 0; i < sent->size(); ++i) {
      wire::ObjectReader part((*sent)[i], fmt::format("items[{}]", i), reader);
      const auto product = ProductId::parse(part.text("productId", 1, 64));
      const auto quantity = static_cast<std::int32_t>(part.integer("quantity", 1, OrderLine::quantity_max));
      part.finish_part();
      if (product) items.push_back(CartItem{*product, quantity});
    }
  }
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return items;
}

Task<Reply> merge_cart(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  auto items = read_items(request);
  if (!items) co_return fail(items.error());
  const auto merged = co_await use.cart.merge(caller->user, std::move(*items));
  if (!merged) co_return fail(merged.error());
  std::string body;
  wire::JsonWriter out(body);
  append_cart(out.begin_object(), merged->cart);
  out.key("leftOut").begin_array();
  for (const auto& left : merged->left_out) {
    out.begin_object().member("productId", left.product.text());
    out.member("reason", http::problem_of(left.reason).code).end_object();
  }
  out.end_array().end_object();
  co_return http::json(http::Status::ok, std::move(body));
}

}  // namespace

void add_cart_routes(http::Router& router, const CartParts& parts, const std::string& base) {
  auth::Routes routes(router, base, std::make_shared<const UseCases>(parts), parts.authenticator);
  routes.add(Method::get, "/cart", Access::signed_in, show_cart);
  routes.add(Method::del, "/cart", Access::signed_in, clear_cart);
  routes.add(Method::post, "/cart/merge", Access::signed_in, merge_cart);
  routes.add(Method::put, "/cart/items/{id}", Access::signed_in, put_item);
  routes.add(Method::del, "/cart/items/{id}", Access::signed_in, remove_item);
}

}  // namespace market::order
