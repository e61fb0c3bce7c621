#pragma once
/// The routes of the wish list (API.md, Wish list and cart).

#include "http/server/router.hpp"
#include "ports/product_board.hpp"
#include "ports/wish_lists.hpp"
#include "services/auth/authenticator.hpp"

namespace market::product {

/// What the routes use; all of it outlives the server.
struct WishListParts {
  const auth::Authenticator& authenticator;
  WishLists& wish_lists;
  const ProductBoard& board;  ///< Its pages are made by render() of services/product/catalogue.hpp.
  const Clock& clock;
  CatchUp catch_up{};  ///< Of a board that others change, too.
};

void add_wish_list_routes(http::Router& router, const WishListParts& parts);

}  // namespace market::product
