#pragma once
/// The routes of operators to everybody's orders: search, next step, cancel, refund, report, export.

#include <functional>

#include "http/server/router.hpp"
#include "ports/order_reader.hpp"
#include "ports/order_search.hpp"
#include "ports/product_board.hpp"
#include "ports/refusal_history.hpp"
#include "ports/sale_gate.hpp"
#include "services/auth/authenticator.hpp"

namespace market::order {

/// What the routes use; all of it outlives the server.
struct AdminOrderParts {
  const auth::Authenticator& authenticator;
  SaleGate& gate;
  OrderReader& reader;
  OrderSearch& search;
  RefusalHistory& refusals;
  const ProductBoard& board;
  const Clock& clock;
  std::function<bool()> records_lag;  ///< Whether the records lack events that count already.
};

void add_admin_order_routes(http::Router& router, const AdminOrderParts& parts,
                            const std::string& base = "/api/v1/admin");

}  // namespace market::order
