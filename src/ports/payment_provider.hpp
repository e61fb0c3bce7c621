#pragma once
/// Whoever moves the money. `attempt` is the idempotency key of a charge: repeating one charges once.

#include <string>

#include "base/id.hpp"
#include "base/task.hpp"
#include "domain/sale/money.hpp"

namespace market {

enum class ChargeState : std::uint8_t {
  unknown,
  captured,
  declined,
  /// Of charge() alone: the provider was not reached and will not be, so certainly no money moves.
  not_charged,
};

/// What a provider knows of an attempt's token.
enum class ChargedToken : std::uint8_t { unknown, same, another };

class PaymentProvider {
 public:
  virtual ~PaymentProvider() = default;
  /// What can be said before anything is begun, at once and without asking anybody: whether charge() refuses
  /// these for certain. Errors: validation, order_not_payable, as of charge().
  virtual Result<> accepts(const Money& amount, const std::string& token) const = 0;
  /// Errors: unavailable (the answer was lost or is late: ask find() later); nothing was charged: validation
  /// (a token that it does not know), order_not_payable (an amount or currency that it never takes).
  virtual Task<ChargeState> charge(AttemptId attempt, Money amount, std::string token) = 0;
  /// What became of an attempt; `unknown`: it never arrived (or not yet). Errors: unavailable.
  virtual Task<ChargeState> find(AttemptId attempt) = 0;
  /// Whether the attempt was charged with this token; `unknown`: it never arrived (or not yet).
  /// Errors: unavailable.
  virtual Task<ChargedToken> compare(AttemptId attempt, std::string token) = 0;
  /// Gives a captured charge back; repeating it is fine. Errors: unavailable.
  virtual Task<> refund(AttemptId attempt) = 0;
};

}  // namespace market
