#pragma once
/// The built-in test payment provider (API.md, Settings and the test payment provider). It keeps its own file
/// and its own truth, as a real one does: a charge survives whatever happens to the shop.

#include <sqlite3.h>

#include <functional>
#include <memory>
#include <mutex>

#include "base/time.hpp"
#include "ports/payment_provider.hpp"

namespace market::payment {

struct ProviderTotals {
  std::int64_t charged = 0, refunded = 0;  ///< Minor units of captured charges, and of those given back.
};

class TestProvider final : public PaymentProvider {
 public:
  /// How long after charge() the money of a `late` token arrives.
  using LateBy = std::function<Millis(AttemptId)>;
  /// Throws std::runtime_error with one clear line.
  TestProvider(const std::string& path, BlockingPool& pool, const Clock& clock, LateBy late_by);

  /// Errors also: validation, for a token that is none of ok, declined, slow, lost, twice, late.
  Task<ChargeState> charge(AttemptId attempt, Money amount, std::string token) override;
  Task<ChargeState> find(AttemptId attempt) override;
  Task<> refund(AttemptId attempt) override;
  /// Blocking; for `market check`. Errors: unavailable.
  Result<ProviderTotals> totals();

 private:
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  Result<ChargeState> record(AttemptId attempt, Money amount, bool declined, Instant captured_at);
  Result<ChargeState> look(AttemptId attempt);
  Result<> give_back(AttemptId attempt);

  BlockingPool& pool_;
  const Clock& clock_;
  LateBy late_by_;
  std::mutex mutex_;  ///< Of the connection; taken on the blocking pool only.
  std::unique_ptr<sqlite3, Closer> db_;
};

}  // namespace market::payment
