#pragma once
/// Paying: the attempt is logged before the provider is asked, with the attempt as the provider's idempotency
/// key.

#include <string>

#include "services/order/payment_resolver.hpp"

namespace market::order {

struct Paid {
  OrderPtr order;
  bool known = true;  ///< False: the provider's answer is not known yet; the resolver waits for it.
};

class PayOrder {
 public:
  PayOrder(SaleGate& gate, PaymentProvider& provider, PaymentResolver& resolver, IdSource& ids,
           Millis answer_max)
      : gate_(gate), provider_(provider), resolver_(resolver), ids_(ids), answer_max_(answer_max) {}
  /// Errors: order_not_found, order_not_payable, payment_declined, validation (the token), and the gate's.
  Task<Paid> run(UserId user, OrderId order, std::string token);

 private:
  Task<Paid> settle(OrderPtr started, PaymentOutcome outcome);

  SaleGate& gate_;
  PaymentProvider& provider_;
  PaymentResolver& resolver_;
  IdSource& ids_;
  Millis answer_max_;
};

}  // namespace market::order
