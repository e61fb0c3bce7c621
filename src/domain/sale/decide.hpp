#pragma once
/// decide(state, command, now): which event a command leads to, or why it is refused. Pure; a command makes
/// at most one event.

#include <functional>
#include <optional>
#include <variant>

#include "domain/sale/command.hpp"
#include "domain/sale/sale_state.hpp"

namespace market {

struct DecideRules {
  Millis attempt_bound{5'000};        ///< How long an open payment attempt delays an expiry.
  Millis copies_settled_for{10'000};  ///< orders.answer_time_max + 5 s: no copy is under way longer.
  Millis return_window{86'400'000};   ///< So long behind its delivery a buyer may ask to return an order.
};

/// The key is bound already: nothing happens, the answer is that order or product as it is now.
struct Replayed {
  std::int64_t subject = 0;
};
/// Nothing to do and nothing wrong (a timer for an order that is already paid, a settled attempt settled
/// again).
struct Unchanged {};
using Decision = std::variant<Event, Replayed, Unchanged, Error>;

/// Errors for PlaceOrder: product_not_found, validation (mixed currencies), sale_not_open (with opens_at),
/// sale_closed, sold_out, insufficient_stock, limit_exceeded. Products: product_not_found,
/// precondition_failed (based on another version), insufficient_stock, validation. Payment: order_not_found
/// (also another user's), order_not_payable. Cancel: order_not_cancellable. Move: order_not_returnable (a
/// buyer's return), order_not_movable. With a key: idempotency_mismatch. All items or none.
Decision decide(const SaleState& state, const Command& command, Instant now, const DecideRules& rules);

/// What everybody can see without deciding: outside the sale's window (sale_not_open with opens_at,
/// sale_closed), or no unit left (sold_out). decide() refuses by the same rule; whoever has the live numbers
/// may refuse by it before.
std::optional<Error> refuses_visibly(const ProductTerms& terms, std::int64_t remaining, Instant now);

/// A refusal of which a code alone is left, with what else is to be said of it: `find` knows the products.
Error refusal_again(Code code, std::string detail, const Command& command,
                    const std::function<const SaleProduct*(ProductId)>& find);

/// Until when an unpaid order may be paid.
Instant payable_until(const SaleState& state, const OpenOrder& order);
/// When an unpaid order expires, as things stand.
Instant expires_at(const SaleState& state, const OpenOrder& order, const DecideRules& rules);

}  // namespace market
