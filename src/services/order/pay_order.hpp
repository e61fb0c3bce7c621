#pragma once
/// Paying: the attempt is logged before the provider is asked, with the attempt as the provider's idempotency
/// key.

#include <string>

#include "base/task_group.hpp"
#include "ports/order_reader.hpp"
#include "ports/payment_provider.hpp"
#include "ports/sale_gate.hpp"

namespace market::order {

struct Paid {
  OrderPtr order;
  bool known = true;      ///< False: the provider's answer is not known yet; the resolver finds it out.
  bool replayed = false;  ///< The key was bound before: nothing was asked of the provider.
};

class PayOrder {
 public:
  /// `answer_max`: how long a caller waits for the provider.
  PayOrder(SaleGate& gate, OrderReader& reader, PaymentProvider& provider, Millis answer_max)
      : gate_(gate), reader_(reader), provider_(provider), answer_max_(answer_max) {}

  /// `start`: a StartPayment, with its key. An order that is paid already is the answer to paying it again; a
  /// key whose payment was declined pays anew. Errors: order_not_found, order_not_payable, payment_declined,
  /// validation (the token), overloaded (the provider was not reached; nothing was charged), the gate's and
  /// the reader's.
  Task<Paid> run(Command start, std::string token);

  /// Waits for charges whose callers have gone; not on an I/O thread. False: some are still under way.
  bool wait(Millis longest) { return charges_.wait(longest); }

 private:
  struct Attempt {
    UserId user;
    OrderId order;
    AttemptId attempt;
    Money total;
  };
  Task<Paid> start(Command start, Money total, std::string token);
  Task<Paid> unless_paid(StartPayment asked, Error refusal);
  Task<Paid> replay(StartPayment asked, std::string token);
  Task<Paid> charge(Attempt attempt, std::string token);
  Task<Paid> settle(Attempt attempt, PaymentOutcome outcome);
  Task<Paid> read(Attempt attempt, bool known);

  SaleGate& gate_;
  OrderReader& reader_;
  PaymentProvider& provider_;
  Millis answer_max_;
  TaskGroup charges_{"a charge"};
};

}  // namespace market::order
