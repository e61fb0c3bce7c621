#include "adapters/payment/test_provider.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "adapters/payment/token_sum.hpp"

namespace market::payment {
namespace {

constexpr Millis slow_by{2'000};
bool is_token(const std::string& token) {
  for (const char* known : {"ok", "declined", "slow", "lost", "twice", "late"})
    if (token == known) return true;
  return false;
}

}  // namespace

TestProvider::TestProvider(const std::string& path, BlockingPool& pool, const Clock& clock, LateBy late_by,
                           ChargeFileOwner owner)
    : TestProvider(std::make_unique<ChargeFile>(path, std::move(owner)), pool, clock, std::move(late_by)) {}

ChargeState TestProvider::state_of(const Charge& charge) const {
  if (charge.declined) return ChargeState::declined;
  return charge.captured_at <= clock_.now() ? ChargeState::captured : ChargeState::unknown;
}

Result<ChargeState> TestProvider::record(const Charge& charge, int times) {
  auto stored = book_->record(charge);
  for (int again = 1; again < times && stored; ++again) stored = book_->record(charge);
  // Certainly not written: no money has moved, and none will.
  if (!stored && stored.error().code == Code::insufficient_storage) return ChargeState::not_charged;
  if (!stored) return fail(stored.error());
  return state_of(*stored);
}

Result<ChargeState> TestProvider::look(AttemptId attempt) {
  const auto charge = book_->find(attempt);
  if (!charge) return fail(charge.error());
  return *charge ? state_of(**charge) : ChargeState::unknown;
}

Result<> TestProvider::accepts(const Money&, const std::string& token) const {
  if (is_token(token)) return {};
  return invalid_field("token", "format", "token must be ok, declined, slow, lost, twice or late");
}

Task<ChargeState> TestProvider::charge(AttemptId attempt, Money amount, std::string token) {
  if (auto refused = accepts(amount, token); !refused) co_return fail(std::move(refused.error()));
  Charge charge;
  charge.attempt = attempt;
  charge.amount = amount;
  charge.captured_at = clock_.now() + (token == "late" ? late_by_(attempt) : Millis(0));
  charge.declined = token == "declined";
  charge.token_sum = sum_of(token);
  const int times = token == "twice" ? 2 : 1;  // The second charge of an attempt must change nothing.
  auto work = [this, charge, times] { return record(charge, times); };
  const auto state = co_await pool_.run(std::move(work));
  if (!state && state.error().code == Code::overloaded) co_return ChargeState::not_charged;  // Never begun.
  if (!state) co_return fail(Code::unavailable, state.error().detail);
  if (*state == ChargeState::not_charged) co_return state;
  if (token == "slow") {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, slow_by);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (token == "lost" || token == "late") co_return fail(Code::unavailable, "the provider's answer was lost");
  co_return state;
}

Task<ChargeState> TestProvider::find(AttemptId attempt) {
  auto work = [this, attempt] { return look(attempt); };
  const auto state = co_await pool_.run(std::move(work));
  co_return state;
}

Result<ChargedToken> TestProvider::compare_now(AttemptId attempt, const std::string& token) {
  const auto sum = book_->token_sum_of(attempt);
  if (!sum) return fail(sum.error());
  if (sum->empty()) return ChargedToken::unknown;
  return *sum == sum_of(token) ? ChargedToken::same : ChargedToken::another;
}

Task<ChargedToken> TestProvider::compare(AttemptId attempt, std::string token) {
  auto work = [this, attempt, token = std::move(token)] { return compare_now(attempt, token); };
  const auto compared = co_await pool_.run(std::move(work));
  co_return compared;
}

Task<> TestProvider::refund(AttemptId attempt) {
  auto work = [this, attempt] { return book_->refund(attempt); };
  const auto done = co_await pool_.run(std::move(work));
  co_return done;
}

}  // namespace market::payment
