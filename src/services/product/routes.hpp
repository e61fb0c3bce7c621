#pragma once
/// The doors of the product service (API.md, Products).

#include "http/server/router.hpp"
#include "ports/sale_gate.hpp"
#include "services/auth/authenticator.hpp"
#include "services/product/catalogue.hpp"

namespace market::product {

/// What the routes use; all of it outlives the server.
struct ProductParts {
  const auth::Authenticator& authenticator;
  Catalogue& catalogue;
  SaleGate& gate;
  ProductTexts& texts;
  BlockingPool& pool;  ///< For searching the whole catalogue.
  IdSource& ids;
  const Clock& clock;
};

void add_product_routes(http::Router& router, const ProductParts& parts, const std::string& base = "/api/v1");

}  // namespace market::product
