#pragma once
/// The built-in test payment provider (API.md, Settings and the test payment provider). It keeps its own file
/// and its own truth, as a real one does: a charge survives whatever happens to the shop.

#include <functional>

#include "adapters/payment/charge_file.hpp"
#include "base/time.hpp"
#include "ports/payment_provider.hpp"

namespace market::payment {

class TestProvider final : public PaymentProvider {
 public:
  /// How long after charge() the money of a `late` token arrives.
  using LateBy = std::function<Millis(AttemptId)>;
  /// Throws std::runtime_error with one clear line.
  TestProvider(const std::string& path, BlockingPool& pool, const Clock& clock, LateBy late_by,
               ChargeFileOwner owner = {});
  /// With a book that others may share.
  TestProvider(std::unique_ptr<ChargeBook> book, BlockingPool& pool, const Clock& clock, LateBy late_by)
      : pool_(pool), clock_(clock), late_by_(std::move(late_by)), book_(std::move(book)) {}

  Result<> accepts(const Money& amount, const std::string& token) const override;
  /// Errors also: validation, for a token that is none of ok, declined, slow, lost, twice, late.
  Task<ChargeState> charge(AttemptId attempt, Money amount, std::string token) override;
  Task<ChargeState> find(AttemptId attempt) override;
  Task<ChargedToken> compare(AttemptId attempt, std::string token) override;
  Task<> refund(AttemptId attempt) override;
  /// Blocking; for `market check`. Errors: unavailable.
  Result<ProviderTotals> totals() { return book_->totals(clock_.now()); }

  /// Whether charges can be recorded now. Blocking; call it now and then.
  bool usable() { return book_->usable(); }

 private:
  Result<ChargeState> record(const Charge& charge, int times);
  Result<ChargeState> look(AttemptId attempt);
  Result<ChargedToken> compare_now(AttemptId attempt, const std::string& token);
  ChargeState state_of(const Charge& charge) const;

  BlockingPool& pool_;
  const Clock& clock_;
  LateBy late_by_;
  std::unique_ptr<ChargeBook> book_;  ///< Used on the blocking pool only.
};

}  // namespace market::payment
