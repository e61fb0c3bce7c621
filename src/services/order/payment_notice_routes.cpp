#include "services/order/payment_notice_routes.hpp"

namespace market::order {
namespace {

Task<http::Reply> take(const NoticeParts& parts, const http::Request& request) {
  const auto attempt =
      parts.notices.read(request.header("Stripe-Signature"), request.body, parts.clock.now());
  if (!attempt) co_return fail(attempt.error());
  if (*attempt) parts.resolver.hint(**attempt);
  co_return http::no_content();
}

}  // namespace

void add_payment_notice_routes(http::Router& router, const NoticeParts& parts) {
  router.add(http::Method::post, "/api/v1/payments/notices",
             [parts](const http::Request& request) { return take(parts, request); });
}

}  // namespace market::order
