#pragma once
/// ports/payment_provider.hpp on Stripe: a payment intent for each attempt, made and confirmed in one request
/// whose Idempotency-Key is the attempt. What became of it is found by the attempt in its metadata, so a lost
/// answer loses nothing. The book is the shop's own, of what Stripe has said: `market check` compares it with
/// the orders.

#include <atomic>
#include <functional>
#include <memory>

#include "base/time.hpp"
#include "ports/charge_book.hpp"
#include "ports/payment_provider.hpp"

namespace market::payment {

struct StripeSettings {
  std::string url = "https://api.stripe.com";
  std::string key;    ///< sk_…; an account's secret key.
  std::string store;  ///< In the metadata of each intent: several shops may share an account.
  Millis connect_time_max{5'000}, answer_time_max{20'000};
};

class StripeProvider final : public PaymentProvider {
 public:
  /// `warn` gets one line when Stripe refuses us. Throws std::runtime_error with one clear line.
  StripeProvider(StripeSettings settings, std::unique_ptr<ChargeBook> book, const Clock& clock,
                 std::function<void(const std::string&)> warn);
  ~StripeProvider() override { stop(); }
  Result<> accepts(const Money& amount, const std::string& token) const override;
  Task<ChargeState> charge(AttemptId attempt, Money amount, std::string token) override;
  Task<ChargeState> find(AttemptId attempt) override;
  Task<ChargedToken> compare(AttemptId attempt, std::string token) override;
  Task<> refund(AttemptId attempt) override;
  /// Whether what Stripe says can be written down. Blocking; call it now and then.
  bool usable() { return book_->usable(); }
  void stop() {
    stopped_.store(true);
    pool_.stop();
  }

 private:
  struct Intent;
  struct Call;
  struct Answer;
  Answer call(const Call& what) const;
  Answer call_patiently(const Call& what) const;
  Result<ChargeState> charge_now(AttemptId attempt, Money amount, const std::string& token);
  Result<ChargeState> take_nothing(AttemptId attempt, Money amount, const std::string& sum);
  Result<bool> took_nothing(AttemptId attempt) const;
  /// Null id: Stripe knows of none (yet).
  Result<Intent> find_intent(AttemptId attempt) const;
  Result<Intent> read_intent(const std::string& id) const;
  Result<std::string> refunds_of(const Intent& intent) const;
  Result<ChargeState> find_now(AttemptId attempt);
  Result<ChargedToken> compare_now(AttemptId attempt, const std::string& token);
  Result<> refund_now(AttemptId attempt);
  /// What an intent's status means; one that waits for its buyer is cancelled: it would wait for ever.
  Result<ChargeState> settle(AttemptId attempt, const Intent& intent);
  Result<ChargeState> refused(const Answer& answer) const;
  /// Of whatever we asked, by our own mistake or key; it is told.
  bool refuses_us(const Answer& answer) const;

  const StripeSettings settings_;
  const Clock& clock_;
  const std::function<void(const std::string&)> warn_;
  const std::unique_ptr<ChargeBook> book_;
  std::atomic<bool> stopped_{false};
  BlockingPool pool_{8, 1'024};
};

}  // namespace market::payment
