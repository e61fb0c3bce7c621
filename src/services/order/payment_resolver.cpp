#include "services/order/payment_resolver.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace market::order {

PaymentResolver::PaymentResolver(SaleGate& gate, PaymentProvider& provider, const Clock& clock,
                                 asio::any_io_executor executor, ResolverLimits limits)
    : gate_(gate),
      provider_(provider),
      clock_(clock),
      executor_(executor),
      limits_(limits),
      timer_(executor) {}

void PaymentResolver::watch(OpenPayment open) {
  asio::post(executor_, [this, open] { add(open); });
}

void PaymentResolver::stop() {
  asio::post(executor_, [this] {
    stopped_ = true;
    timer_.cancel();
  });
}

void PaymentResolver::add(OpenPayment open) {
  const Instant now = clock_.now();
  auto& watched = watched_[open.attempt];
  if (watched.open.attempt && watched.open.refund == open.refund) return;
  watched = Watched{open, now, open.refund ? now : now + limits_.first_wait, limits_.first_wait};
  if (!running_) schedule();
}

void PaymentResolver::schedule() {
  if (stopped_ || watched_.empty()) return;
  Instant next = Instant::max();
  for (const auto& [attempt, watched] : watched_) next = std::min(next, watched.next);
  timer_.expires_after(std::max(Millis(0), next - clock_.now()));
  timer_.async_wait([this](boost::system::error_code error) {
    if (error || stopped_ || running_) return;
    running_ = true;
    asio::co_spawn(executor_, serve_due(), asio::detached);
  });
}

asio::awaitable<void> PaymentResolver::serve_due() {
  const Instant now = clock_.now();
  std::vector<AttemptId> due;
  for (const auto& [attempt, watched] : watched_)
    if (watched.next <= now) due.push_back(attempt);
  for (const AttemptId attempt : due) {
    const bool done = co_await resolve(attempt);
    if (done) {
      watched_.erase(attempt);
      continue;
    }
    auto& watched = watched_.at(attempt);
    watched.next = clock_.now() + watched.wait;
    watched.wait = std::min(watched.wait * 2, limits_.wait_max);
  }
  running_ = false;
  schedule();
}

asio::awaitable<bool> PaymentResolver::resolve(AttemptId attempt) {
  const Watched watched = watched_.at(attempt);
  if (watched.open.refund) {
    const bool refunded = co_await refund(watched.open);
    co_return refunded;
  }
  const auto found = co_await provider_.find(attempt);
  if (!found) co_return false;
  PaymentOutcome outcome = PaymentOutcome::declined;
  if (*found == ChargeState::captured)
    outcome = PaymentOutcome::captured;
  else if (*found == ChargeState::unknown && clock_.now() - watched.since < limits_.unknown_max)
    co_return false;
  const bool settled = co_await settle(watched.open, outcome);
  co_return settled;
}

asio::awaitable<bool> PaymentResolver::refund(OpenPayment open) {
  const auto refunded = co_await provider_.refund(open.attempt);
  if (!refunded) co_return false;
  const bool settled = co_await settle(open, PaymentOutcome::refunded);
  co_return settled;
}

asio::awaitable<bool> PaymentResolver::settle(OpenPayment open, PaymentOutcome outcome) {
  Command command = SettlePayment{open.order, open.attempt, outcome};
  const auto settled = co_await gate_.submit(std::move(command));
  if (!settled) co_return settled.error().code == Code::order_not_found;
  if (!settled->order || settled->order->payment != PaymentState::refunding) co_return true;
  auto& watched = watched_.at(open.attempt);  // The order could not take the money: it goes back at once.
  watched.open.refund = true;
  watched.wait = limits_.first_wait;
  co_return false;
}

}  // namespace market::order
