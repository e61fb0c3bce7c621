#pragma once
/// Buying: refuses early what the durable numbers already rule out, else asks the gate.

#include "ports/live_stock.hpp"
#include "ports/sale_gate.hpp"

namespace market::order {

class PlaceOrderUseCase {
 public:
  PlaceOrderUseCase(SaleGate& gate, const LiveStock& live, IdSource& ids, const Clock& clock)
      : gate_(gate), live_(live), ids_(ids), clock_(clock) {}
  /// Nothing when the gate must decide. Errors: product_not_found, sale_not_open, sale_closed, sold_out,
  /// recovering. A known key is never refused for the sale: its order may exist.
  Result<> refuse_early(const PlaceOrder& asked) const;
  /// Gives the order its id. For what is not refused early. Errors: the gate's.
  Task<Submitted> run(PlaceOrder asked);

 private:
  SaleGate& gate_;
  const LiveStock& live_;
  IdSource& ids_;
  const Clock& clock_;
};

}  // namespace market::order
