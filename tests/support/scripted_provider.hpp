#pragma once
/// A payment provider that answers as the test says. What it is asked again beyond the script, it answers as
/// the last time.

#include <algorithm>
#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <stdexcept>
#include <vector>

#include "base/time.hpp"
#include "ports/payment_provider.hpp"

namespace market::tests {

class ScriptedProvider final : public PaymentProvider {
 public:
  Result<> accepts(const Money&, const std::string&) const override { return accepts_answer; }
  Task<ChargeState> charge(AttemptId attempt, Money amount, std::string token) override {
    charged.push_back(attempt);
    charged_amount = amount.amount;
    charged_token = std::move(token);
    if (while_charging) while_charging(attempt);
    co_await wait(charge_takes);
    co_return charge_answer;
  }
  Task<ChargeState> find(AttemptId attempt) override {
    asked_for.push_back(attempt);
    if (finds_that_throw-- > 0) throw std::runtime_error("asked for");
    const auto answer = find_answers.at(std::min(asked_for.size() - 1, find_answers.size() - 1));
    most_at_once = std::max(most_at_once, ++asking);
    co_await wait(find_takes);
    --asking;
    co_return answer;
  }
  Task<ChargedToken> compare(AttemptId attempt, std::string token) override {
    co_await wait(compare_takes);
    if (compare_fails) co_return fail(Code::unavailable, "down");
    if (std::find(charged.begin(), charged.end(), attempt) == charged.end()) co_return ChargedToken::unknown;
    co_return token == charged_token ? ChargedToken::same : ChargedToken::another;
  }
  Task<> refund(AttemptId attempt) override {
    refunded.push_back(attempt);
    if (refunds_that_fail-- > 0) co_return fail(Code::unavailable, "later");
    co_return Result<>();
  }

  Result<> accepts_answer;
  Result<ChargeState> charge_answer = ChargeState::captured;
  Millis charge_takes{0}, find_takes{0}, compare_takes{0};
  std::function<void(AttemptId)> while_charging;
  std::vector<Result<ChargeState>> find_answers{ChargeState::unknown};
  int refunds_that_fail = 0, finds_that_throw = 0;
  bool compare_fails = false;

  std::vector<AttemptId> charged, asked_for, refunded;
  std::int64_t charged_amount = 0;
  std::string charged_token;
  std::atomic<int> asking{0};  ///< Read by other threads, too.
  int most_at_once = 0;

 private:
  static asio::awaitable<void> wait(Millis time) {
    if (time == Millis(0)) co_return;
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
};

/// Real time, moved on by what a test adds.
class ShiftedClock final : public Clock {
 public:
  Instant now() const override { return real_.now() + shift; }
  Millis shift{0};

 private:
  SystemClock real_;
};

}  // namespace market::tests
