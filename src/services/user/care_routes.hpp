#pragma once
/// The routes of an account's owner who has forgotten the password, wants a copy of everything, or wants to
/// go.

#include "http/server/router.hpp"
#include "ports/carts.hpp"
#include "ports/order_reader.hpp"
#include "ports/wish_lists.hpp"
#include "services/auth/authenticator.hpp"
#include "services/user/account_care.hpp"
#include "services/user/guess_limiter.hpp"

namespace market::user {

/// What the routes use; all of it outlives the server.
struct CareParts {
  const auth::Authenticator& authenticator;
  Accounts& accounts;
  Carts& carts;
  WishLists& wish_lists;
  CareForAccount& care;
  GuessLimiter& limiter;
  const Clock& clock;
  const Clock& wall;              ///< Of today: sessions end by it.
  bool addresses_known = true;    ///< As of UserParts.
  OrderReader* orders = nullptr;  ///< Null: this process reaches no orders.
  HasProducts has_products;
  bool orders_may_lag = false;  ///< `orders` are those recorded: newer ones were acknowledged, perhaps.
};

void add_care_routes(http::Router& router, const CareParts& parts, const std::string& base = "/api/v1");

}  // namespace market::user
