#pragma once
/// The routes of the product service (API.md, Products).

#include "base/task_fair_pool.hpp"
#include "http/server/router.hpp"
#include "ports/picture_sizes.hpp"
#include "ports/pictures.hpp"
#include "ports/product_board.hpp"
#include "ports/sale_gate.hpp"
#include "services/auth/authenticator.hpp"
#include "services/product/edit_product.hpp"
#include "services/product/listing.hpp"

namespace market::product {

/// What the routes use; all of it outlives the server.
struct ProductParts {
  const auth::Authenticator& authenticator;
  const ProductBoard& board;  ///< Its pages are made by render() of services/product/catalogue.hpp.
  SaleGate& gate;
  Pictures& pictures;
  PictureSizes& picture_sizes;
  ListLanes lanes;
  /// Of pictures: one at a time, as each may need image_pixels_max times 4 bytes. Sellers take turns, and so
  /// do the copies that readers ask for.
  FairPool& decoding;
  const Clock& clock;
  bool budgets = true;  ///< What a seller may add in a day is bounded.
  CatchUp catch_up{};   ///< Of a board that others change, too.
};

void add_product_routes(http::Router& router, const ProductParts& parts);

}  // namespace market::product
