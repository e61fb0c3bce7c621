#pragma once
/// The routes of operators to all products and their sales: what is ready, pausing, going on, closing.

#include "base/task_fair_pool.hpp"
#include "http/server/router.hpp"
#include "ports/product_board.hpp"
#include "ports/sale_gate.hpp"
#include "services/auth/authenticator.hpp"
#include "services/product/edit_product.hpp"
#include "services/product/listing.hpp"

namespace market::product {

/// What the routes use; all of it outlives the server.
struct AdminProductParts {
  const auth::Authenticator& authenticator;
  const ProductBoard& board;  ///< Its pages are made by render() of services/product/catalogue.hpp.
  SaleGate& gate;
  ListLanes lanes;
  const Clock& clock;
  CatchUp catch_up{};  ///< Of a board that others change, too.
};

void add_admin_product_routes(http::Router& router, const AdminProductParts& parts);

}  // namespace market::product
