#include "services/order/pay_order.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace market::order {
namespace {

/// A charge and whoever waits for it; it goes on when nobody waits any more.
struct Charging {
  explicit Charging(asio::any_io_executor executor) : timer(std::move(executor)) {}
  asio::steady_timer timer;
  std::optional<Result<ChargeState>> answer;
};

asio::awaitable<void> charge(PaymentProvider& provider, std::shared_ptr<Charging> charging, AttemptId attempt,
                             Money total, std::string token) {
  auto answer = co_await provider.charge(attempt, total, std::move(token));
  charging->answer = std::move(answer);
  charging->timer.cancel();
}

}  // namespace

Task<Paid> PayOrder::run(UserId user, OrderId order, std::string token) {
  const auto attempt = ids_.next_as<AttemptId>();
  Command start = StartPayment{order, user, attempt};
  auto started = co_await gate_.submit(std::move(start));
  if (!started) co_return fail(started.error());

  const auto executor = co_await asio::this_coro::executor;
  auto charging = std::make_shared<Charging>(executor);
  charging->timer.expires_after(answer_max_);
  asio::co_spawn(executor, charge(provider_, charging, attempt, started->order->total, std::move(token)),
                 asio::detached);
  boost::system::error_code ignored;
  if (!charging->answer)
    co_await charging->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));

  if (charging->answer && !*charging->answer && charging->answer->error().code == Code::validation) {
    const auto settled = co_await settle(started->order, PaymentOutcome::declined);
    if (!settled && settled.error().code != Code::payment_declined) co_return fail(settled.error());
    co_return fail(charging->answer->error());
  }
  const ChargeState state = charging->answer && *charging->answer ? **charging->answer : ChargeState::unknown;
  if (state == ChargeState::unknown) {
    resolver_.watch(OpenPayment{order, user, attempt, false});
    co_return Paid{started->order, false};
  }
  auto outcome = state == ChargeState::captured ? PaymentOutcome::captured : PaymentOutcome::declined;
  auto settled = co_await settle(started->order, outcome);
  co_return settled;
}

Task<Paid> PayOrder::settle(OrderPtr started, PaymentOutcome outcome) {
  Command command = SettlePayment{started->id, started->attempt, outcome};
  auto settled = co_await gate_.submit(std::move(command));
  if (!settled) {  // The money has moved or not; the resolver asks the provider again until the log knows.
    resolver_.watch(OpenPayment{started->id, started->user, started->attempt, false});
    co_return Paid{started, false};
  }
  if (settled->order->payment == PaymentState::refunding)
    resolver_.watch(OpenPayment{started->id, started->user, settled->order->attempt, true});
  if (outcome == PaymentOutcome::declined)
    co_return fail(Code::payment_declined, "the card was declined; the order can be paid until payBy");
  co_return Paid{settled->order, true};
}

}  // namespace market::order
