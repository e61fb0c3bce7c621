#pragma once
/// The sale engine: two pure functions. decide(state, command, now) -> event | refusal; apply(state, event).
/// No I/O, no clock, no randomness: the same log folds to the same state on every machine, for ever.
///
///   const Decision decision = decide(state, command, now);
///   if (const auto* event = std::get_if<Event>(&decision)) { log.append(*event); apply(state, *event); }

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <variant>

#include "domain/sale/command.hpp"
#include "domain/sale/event.hpp"

namespace market {

using OrderPtr = std::shared_ptr<const Order>;

/// What a key was bound to by an acceptance.
struct KeyBinding {
  OrderId order;
  std::uint64_t body_fingerprint = 0;
};

/// All the engine must remember to decide. Orders without open work and keys may be forgotten by the owner
/// (once the records have them) and admitted again; everything else is complete.
struct SaleState {
  boost::unordered_flat_map<ProductId, SaleProduct> products;
  boost::unordered_flat_map<OrderId, OrderPtr> orders;
  boost::unordered_flat_map<RequestKey, KeyBinding> keys;
  Instant grace_until{};  ///< Unpaid orders do not expire before this.
  std::int64_t epoch = 0;
  std::int64_t oversell_prevented = 0;  ///< Acceptances beyond capacity that apply() refused; must stay 0.
};

/// The key is bound already: nothing happens, the answer is that order as it is now.
struct Replayed {
  OrderId order;
};
/// Nothing to do and nothing wrong (a timer for an order that is already paid, a settled attempt settled
/// again).
struct Unchanged {};
using Decision = std::variant<Event, Replayed, Unchanged, Error>;

/// Errors for PlaceOrder: product_not_found, validation (mixed currencies), sale_not_open (with opens_at),
/// sale_closed, sold_out, insufficient_stock, limit_exceeded, idempotency_mismatch. Payment: order_not_found
/// (also another user's), order_not_payable. Cancel: order_not_cancellable. Move: order_not_returnable.
/// AdjustStock: product_not_found, insufficient_stock, validation. All items or none.
Decision decide(const SaleState& state, const Command& command, Instant now);

/// Folds one event into the state. Returns the order as it is now when the event changed one, else null.
/// An acceptance beyond capacity, of an older epoch, or of a known order is refused here: counted, null.
OrderPtr apply(SaleState& state, const Event& event);

/// A hash of everything in the state, the same for equal states whatever their insertion order (I19).
std::uint64_t state_hash(const SaleState& state);

/// capacity = remaining + live units for every product, limits kept, tickets below next_ticket: an empty
/// string, or the first violation in words. O(everything); for tests and `market check`.
/// Only meaningful for a state that has forgotten nothing.
std::string first_violation(const SaleState& state);

}  // namespace market
