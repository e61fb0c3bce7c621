#pragma once
/// The routes of the cart (API.md, Wish list and cart).

#include "http/server/router.hpp"
#include "ports/carts.hpp"
#include "ports/product_board.hpp"
#include "services/auth/authenticator.hpp"

namespace market::order {

/// What the routes use; all of it outlives the server.
struct CartParts {
  const auth::Authenticator& authenticator;
  Carts& carts;
  const ProductBoard& board;
  const Clock& clock;
  CatchUp catch_up{};  ///< Of a board that others change, too.
};

void add_cart_routes(http::Router& router, const CartParts& parts, const std::string& base = "/api/v1");

}  // namespace market::order
