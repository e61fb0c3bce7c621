#pragma once
/// The test provider's own book of charges, one row per attempt. Each row has a keyed sum over its amounts
/// and what became of it, so that a flipped bit in money is found.

#include <optional>
#include <string>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "domain/sale/money.hpp"

namespace market {

struct ProviderTotals {
  std::int64_t charged = 0, refunded = 0;  ///< Minor units of captured charges, and of those given back.
};
struct Charge {
  AttemptId attempt;
  Money amount;
  bool declined = false, refunded = false;
  Instant captured_at{};
  std::string token_sum;  ///< A hash of the card's token; empty in charges of before.
};

/// Each blocks. Errors: unavailable; insufficient_storage: certainly nothing was written.
class ChargeBook {
 public:
  virtual ~ChargeBook() = default;
  /// The first charge of an attempt stays; answers it.
  virtual Result<Charge> record(const Charge& charge) = 0;
  virtual Result<std::optional<Charge>> find(AttemptId attempt) = 0;
  /// Charge::token_sum; empty also when there is no such charge.
  virtual Result<std::string> token_sum_of(AttemptId attempt) = 0;
  virtual Result<> refund(AttemptId attempt) = 0;
  virtual Result<ProviderTotals> totals(Instant now) = 0;
  /// Whether charges can be recorded. Call it now and then: after a failure it tries again.
  virtual bool usable() = 0;
};

}  // namespace market
