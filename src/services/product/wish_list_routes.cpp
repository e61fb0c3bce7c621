#include "services/product/wish_list_routes.hpp"

#include <algorithm>

#include "http/message/paging.hpp"
#include "services/auth/routes.hpp"
#include "services/product/catalogue.hpp"
#include "wire/json/json.hpp"

namespace market::product {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;

struct UseCases {
  explicit UseCases(const WishListParts& given) : parts(given), catalogue(given.board, given.clock) {}
  WishListParts parts;
  Catalogue catalogue;
};

/// A cursor is the last wish: when it was added, and what.
std::string cursor_of(const Wish& wish) {
  return format_id(wish.added_at.time_since_epoch().count()) + wish.product.text();
}

Result<std::optional<Wish>> read_cursor(const std::string& cursor) {
  if (cursor.empty()) return std::optional<Wish>();
  const auto at = parse_id(std::string_view(cursor).substr(0, id_length));
  const auto product = ProductId::parse(std::string_view(cursor).substr(std::min(id_length, cursor.size())));
  if (!at || !product) return invalid_field("cursor", "format", "cursor is not one of this list");
  return std::optional<Wish>(Wish{*product, Instant(Millis(*at))});
}

/// What is not for everybody (yet, or any more) is a wish without a product.
void append_wish(wire::JsonWriter& json, const UseCases& use, const Wish& wish) {
  json.begin_object()
      .member("productId", wish.product.text())
      .member("addedAt", wish.added_at)
      .key("product");
  const ShownProduct* product = use.parts.board.find(wish.product);
  if (product != nullptr && is_public(product->terms, use.parts.clock.now()))
    json.value(use.catalogue.json_of(*product));
  else
    json.null();
  json.end_object();
}

Task<Reply> list(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto page = http::page_of(request);
  if (!page) co_return fail(page.error());
  const auto after = read_cursor(page->cursor);
  if (!after) co_return fail(after.error());
  auto wishes = co_await use.parts.wish_lists.list(caller->user, *after, page->limit + 1);
  if (!wishes) co_return fail(wishes.error());
  const bool more = http::drop_what_is_more(*wishes, page->limit);
  const bool is_behind = std::any_of(wishes->begin(), wishes->end(), [&use](const Wish& wish) {
    return use.parts.board.find(wish.product) == nullptr;
  });
  if (is_behind && use.parts.catch_up) {
    const auto caught_up = co_await use.parts.catch_up();
    static_cast<void>(caught_up);  // Without the log one shows what one has.
  }
  const auto last = more ? cursor_of(wishes->back()) : std::string();
  co_return http::list_reply(request, *wishes, last, [&use](wire::JsonWriter& json, const Wish& wish) {
    append_wish(json, use, wish);
  });
}

Task<Reply> put(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto id = ProductId::parse(request.parameters[0]);
  const ShownProduct* product = id ? use.parts.board.find(*id) : nullptr;
  const Instant now = use.parts.clock.now();
  if (product == nullptr || !is_public(product->terms, now))
    co_return fail(Code::product_not_found, "there is no such product");
  const Wish wish{*id, now};
  const auto stored = co_await use.parts.wish_lists.put(caller->user, wish);
  if (!stored) co_return fail(stored.error());
  co_return http::no_content();
}

Task<Reply> remove(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto id = ProductId::parse(request.parameters[0]);
  if (!id) co_return fail(Code::product_not_found, "there is no such product");
  const auto removed = co_await use.parts.wish_lists.remove(caller->user, *id);
  if (!removed) co_return fail(removed.error());
  co_return http::no_content();
}

}  // namespace

void add_wish_list_routes(http::Router& router, const WishListParts& parts) {
  auth::Routes routes(router, api_base, std::make_shared<const UseCases>(parts), parts.authenticator);
  routes.add(Method::get, "/wishlist", Access::signed_in, list, {"limit", "cursor"});
  routes.add(Method::put, "/wishlist/{id}", Access::signed_in, put);
  routes.add(Method::del, "/wishlist/{id}", Access::signed_in, remove);
}

}  // namespace market::product
