#pragma once
/// The sale gate: who gets a unit, and in which order. Every change of an order, of stock and of a sale goes
/// through submit(), which answers when the change is durable.

#include <memory>
#include <optional>

#include "base/task.hpp"
#include "domain/sale/command.hpp"
#include "domain/sale/event.hpp"
#include "domain/sale/sale_engine.hpp"

namespace market {

struct Submitted {
  OrderPtr order;                     ///< The order as it is now, for commands about orders; else null.
  bool replayed = false;              ///< The request key was bound before: `order` is that older order.
  bool changed = true;                ///< False: there was nothing to do.
  std::optional<ProductStock> stock;  ///< After ListProduct, ChangeProduct and AdjustStock.
};

class SaleGate {
 public:
  virtual ~SaleGate() = default;
  /// Errors: those of decide() in domain/sale/sale_engine.hpp, and overloaded (a queue is full, nothing
  /// happened), recovering (the gate replays the log, nothing happened), insufficient_storage (nothing
  /// happened), unavailable (outcome unknown: repeat with the same key).
  virtual Task<Submitted> submit(Command command) = 0;
};

}  // namespace market
