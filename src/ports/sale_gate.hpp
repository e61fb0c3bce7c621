#pragma once
/// The sale gate: who gets a unit, and in which order. Every change of an order, of a product and of a sale
/// goes through submit(), which answers when the change is durable and everybody here sees it.

#include <memory>
#include <optional>

#include "base/task.hpp"
#include "domain/sale/command.hpp"

namespace market {

struct Submitted {
  /// What the command has made; null when there was nothing to do, or the key was bound before.
  std::shared_ptr<const CountedEvent> event;
  std::int64_t subject = 0;           ///< The id of the order or the product that it is about.
  bool replayed = false;              ///< The key was bound before: `subject` is what it was bound to.
  std::optional<ProductStock> stock;  ///< Of the product, after a command about one.

  OrderId order() const { return OrderId{subject}; }
  ProductId product() const { return ProductId{subject}; }
};

class SaleGate {
 public:
  virtual ~SaleGate() = default;
  /// Errors: those of decide() (domain/sale/decide.hpp), and overloaded (a queue is full, nothing happened),
  /// recovering (the log is being read again, nothing happened), insufficient_storage (nothing happened),
  /// unavailable (outcome unknown: repeat with the same key).
  virtual Task<Submitted> submit(Command command) = 0;
  /// Commands are decided in this very process; false: they go to another, which costs more.
  virtual bool decides_here() const { return true; }
};

}  // namespace market
