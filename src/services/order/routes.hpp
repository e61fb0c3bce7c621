#pragma once
/// The routes of the order service (API.md, Orders).

#include "http/server/router.hpp"
#include "ports/accounts.hpp"
#include "ports/order_reader.hpp"
#include "ports/product_board.hpp"
#include "services/auth/authenticator.hpp"
#include "services/order/order_watch.hpp"
#include "services/order/pay_order.hpp"
#include "services/order/refusal_counts.hpp"
#include "services/order/refusal_notes.hpp"

namespace market::order {

struct OrderSettings {
  Millis payment_window{600'000};
  bool email_verification_required = false;
  bool sells_alone = true;                 ///< No other instance has the same products.
  std::size_t streams_per_user_max = 100;  ///< Event streams that are open here; 0: any number.
};

/// What the routes use; all of it outlives the server.
struct OrderParts {
  const auth::Authenticator& authenticator;
  Accounts& accounts;  ///< Asked where a token knows of no proof of its user's address.
  SaleGate& gate;
  const ProductBoard& board;
  OrderReader& reader;
  PayOrder& pay;
  RefusalCounts& refusals;  ///< Of POST /orders.
  RefusalNotes& refused;    ///< The same by product, of sales.
  OrderWatch& watch;
  const Clock& clock;
  OrderSettings settings;
};

void add_order_routes(http::Router& router, const OrderParts& parts, const std::string& base = "/api/v1");

}  // namespace market::order
