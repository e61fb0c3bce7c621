#include "services/order/cart_routes.hpp"

#include <fmt/format.h>

#include "http/message/problem.hpp"
#include "services/auth/routes.hpp"
#include "services/order/cart.hpp"
#include "wire/json/json.hpp"
#include "wire/json/order_view.hpp"

namespace market::order {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;

struct Doors {
  explicit Doors(const CartParts& given) : parts(given), cart(given.carts, given.board, given.clock) {}
  CartParts parts;
  ShoppingCart cart;
};

void append_text_or_null(std::string& out, std::string_view text) {
  if (text.empty())
    out += "null";
  else
    wire::append_json_string(out, text);
}

void append_line(std::string& out, const CartLine& line) {
  out += fmt::format(R"({{"productId":"{}","quantity":{},"available":{},"reason":)", line.item.product.text(),
                     line.item.quantity, !line.reason);
  if (line.reason)
    wire::append_json_string(out, http::problem_of(*line.reason).code);
  else
    out += "null";
  out += ",\"name\":";
  append_text_or_null(out, line.name);
  out += ",\"imageUrl\":";
  append_text_or_null(out, line.image_url);
  if (!line.shown) {
    out += R"(,"kind":null,"saleState":null,"opensAt":null,"perUserLimit":null,"remaining":0,)"
           R"("unitPrice":null,"total":null})";
    return;
  }
  out.append(",\"kind\":\"").append(text_of(line.terms.kind));
  out.append("\",\"saleState\":\"").append(text_of(line.state)).append("\",\"opensAt\":");
  if (line.terms.sale)
    wire::append_time(out, line.terms.sale->opens_at);
  else
    out += "null";
  out += ",\"perUserLimit\":";
  if (line.terms.sale && line.terms.sale->per_user_limit)
    wire::append_number(out, *line.terms.sale->per_user_limit);
  else
    out += "null";
  out += ",\"remaining\":";
  wire::append_number(out, line.remaining);
  out += ",\"unitPrice\":";
  wire::append_money(out, line.terms.price);
  out += ",\"total\":";
  wire::append_money(out, line.total());
  out += '}';
}

/// All but the closing brace.
std::string page_of(const Cart& cart) {
  std::string body = "{\"items\":[";
  for (const CartLine& line : cart.lines) {
    if (body.back() == '}') body += ',';
    append_line(body, line);
  }
  body += "],\"total\":";
  if (cart.total)
    wire::append_money(body, *cart.total);
  else
    body += "null";
  body += cart.orderable ? ",\"orderable\":true" : ",\"orderable\":false";
  return body;
}

Result<ProductId> product_of(const Request& request) {
  const auto id = ProductId::parse(request.parameters[0]);
  if (!id) return fail(Code::product_not_found, "there is no such product");
  return *id;
}

Task<Reply> show_cart(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto cart = co_await doors.cart.show(caller->user);
  if (!cart) co_return fail(cart.error());
  co_return http::json(http::Status::ok, page_of(*cart) + '}');
}

Task<Reply> put_item(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto product = product_of(request);
  if (!product) co_return fail(product.error());
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  CartItem item{*product, static_cast<std::int32_t>(reader.integer("quantity", 1, OrderLine::quantity_max))};
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  const auto cart = co_await doors.cart.put(caller->user, item);
  if (!cart) co_return fail(cart.error());
  co_return http::json(http::Status::ok, page_of(*cart) + '}');
}

Task<Reply> remove_item(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto product = product_of(request);
  if (!product) co_return fail(product.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto removed = co_await doors.parts.carts.remove(caller->user, *product);
  if (!removed) co_return fail(removed.error());
  co_return http::no_content();
}

Task<Reply> clear_cart(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto cleared = co_await doors.parts.carts.clear(caller->user);
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

Task<Reply> merge_cart(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  auto items = read_items(request);
  if (!items) co_return fail(items.error());
  const auto merged = co_await doors.cart.merge(caller->user, std::move(*items));
  if (!merged) co_return fail(merged.error());
  std::string body = page_of(merged->cart) + ",\"leftOut\":[";
  for (const auto& left : merged->left_out) {
    if (body.back() == '}') body += ',';
    body += fmt::format(R"({{"productId":"{}","reason":"{}"}})", left.product.text(),
                        http::problem_of(left.reason).code);
  }
  co_return http::json(http::Status::ok, body + "]}");
}

}  // namespace

void add_cart_routes(http::Router& router, const CartParts& parts, const std::string& base) {
  auth::Routes routes(router, base, std::make_shared<const Doors>(parts), parts.authenticator);
  routes.add(Method::get, "/cart", Access::signed_in, show_cart);
  routes.add(Method::del, "/cart", Access::signed_in, clear_cart);
  routes.add(Method::post, "/cart/merge", Access::signed_in, merge_cart);
  routes.add(Method::put, "/cart/items/{id}", Access::signed_in, put_item);
  routes.add(Method::del, "/cart/items/{id}", Access::signed_in, remove_item);
}

}  // namespace market::order
