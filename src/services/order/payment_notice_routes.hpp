#pragma once
/// The door for what a payment provider tells by itself.

#include "http/server/router.hpp"
#include "ports/payment_notices.hpp"
#include "services/order/payment_resolver.hpp"

namespace market::order {

/// All of it outlives the server.
struct NoticeParts {
  const PaymentNotices& notices;
  PaymentResolver& resolver;
  const Clock& clock;
};

/// POST /api/v1/payments/notices. A notice twice, or of an attempt that is settled, changes nothing.
void add_payment_notice_routes(http::Router& router, const NoticeParts& parts);

}  // namespace market::order
