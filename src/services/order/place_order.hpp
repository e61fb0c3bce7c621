#pragma once
/// Buying: refuses at once what the live numbers rule out, else asks the gate.
///
///   auto placing = place.run(std::move(command));        // No coroutine, no memory.
///   if (!placing) return refused(placing.error());
///   auto placed = co_await std::move(*placing);

#include "ports/order_reader.hpp"
#include "ports/product_board.hpp"
#include "ports/sale_gate.hpp"

namespace market::order {

struct Placed {
  OrderPtr order;
  bool replayed = false;  ///< The key was bound before; the order is as it is now.
};

class PlacingOrders {
 public:
  /// `alone`: no other instance sells, so what everybody can see here holds; else the gate alone refuses.
  PlacingOrders(SaleGate& gate, const ProductBoard& board, OrderReader& reader, const Clock& clock,
                bool alone = true)
      : gate_(gate), board_(board), reader_(reader), clock_(clock), alone_(alone) {}

  /// `command`: a PlaceOrder. A refusal comes at once when everybody can see it (in a rush, nearly all do);
  /// otherwise the Task's answer is the gate's. What may be a repetition goes to the gate whatever has become
  /// of the products, since its order may exist, or its key came with another body. Errors at once:
  /// recovering, product_not_found, sale_not_open, sale_closed, sold_out. Errors of the Task: the gate's, and
  /// the reader's after a replay.
  Result<Task<Placed>> run(Command command) const;

 private:
  std::optional<Error> refuses_at_once(const Command& command) const;
  Task<Placed> submit(Command command) const;

  SaleGate& gate_;
  const ProductBoard& board_;
  OrderReader& reader_;
  const Clock& clock_;
  const bool alone_;
};

}  // namespace market::order
