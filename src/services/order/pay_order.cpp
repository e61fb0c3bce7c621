#include "services/order/pay_order.hpp"

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

asio::awaitable<void> ask_for_money(PaymentProvider& provider, std::shared_ptr<Charging> charging,
                                    AttemptId attempt, Money total, std::string token) {
  auto answer = co_await provider.charge(attempt, total, std::move(token));
  charging->answer = std::move(answer);
  charging->timer.cancel();
}

}  // namespace

Task<Paid> PayOrder::run(Command command, std::string token) {
  const StartPayment asked = std::get<StartPayment>(command.body);
  // The total first: an attempt that is in the log must be charged.
  const auto order = co_await reader_.find(asked.user, asked.order);
  if (!order) co_return fail(order.error());
  auto paid = co_await start(std::move(command), (*order)->total, std::move(token));
  co_return paid;
}

Task<Paid> PayOrder::start(Command command, Money total, std::string token) {
  const StartPayment asked = std::get<StartPayment>(command.body);
  auto started = co_await gate_.submit(std::move(command));
  if (!started) {
    auto paid = co_await unless_paid(asked, std::move(started.error()));
    co_return paid;
  }
  if (started->replayed) {
    auto paid = co_await replay(asked, std::move(token));
    co_return paid;
  }
  const AttemptId attempt = std::get<PaymentStarted>(started->event->event.fact).attempt;
  const Attempt begun{asked.user, asked.order, attempt, total};
  auto paid = co_await charge(begun, std::move(token));
  co_return paid;
}

Task<Paid> PayOrder::unless_paid(StartPayment asked, Error refusal) {
  // The gate may have forgotten an order that is paid and recorded.
  if (refusal.code != Code::order_not_payable && refusal.code != Code::order_not_found)
    co_return fail(std::move(refusal));
  auto order = co_await reader_.find(asked.user, asked.order);
  if (!order) co_return fail(std::move(order.error()));
  if ((*order)->payment != PaymentState::paid) co_return fail(std::move(refusal));
  co_return Paid{std::move(*order), true, false};
}

Task<Paid> PayOrder::replay(StartPayment asked, std::string token) {
  auto order = co_await reader_.find(asked.user, asked.order);
  if (!order) co_return fail(std::move(order.error()));
  if ((*order)->payment == PaymentState::declined) {  // A refused request may be sent again with its key.
    const Money total = (*order)->total;
    Command again = asked;
    auto paid = co_await start(std::move(again), total, std::move(token));
    co_return paid;
  }
  const bool known = (*order)->payment != PaymentState::pending;
  co_return Paid{std::move(*order), known, true};
}

Task<Paid> PayOrder::charge(Attempt attempt, std::string token) {
  const auto executor = co_await asio::this_coro::executor;
  auto charging = std::make_shared<Charging>(executor);
  charging->timer.expires_after(answer_max_);
  charges_.spawn(executor,
                 ask_for_money(provider_, charging, attempt.attempt, attempt.total, std::move(token)));
  boost::system::error_code ignored;
  if (!charging->answer)
    co_await charging->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));

  std::optional<Error> not_charged;
  ChargeState state = ChargeState::unknown;
  if (charging->answer && *charging->answer) {
    state = **charging->answer;
    if (state == ChargeState::not_charged)
      not_charged = Error(Code::overloaded, "the payment provider cannot be reached; nothing was charged");
  } else if (charging->answer && charging->answer->error().code == Code::validation) {
    not_charged = charging->answer->error();
  }
  if (not_charged) {
    const auto settled = co_await settle(attempt, PaymentOutcome::declined);
    if (settled || settled.error().code == Code::payment_declined) co_return fail(std::move(*not_charged));
    co_return fail(settled.error());
  }
  if (state == ChargeState::unknown) {
    auto pending = co_await read(attempt, false);
    co_return pending;
  }
  const auto outcome = state == ChargeState::captured ? PaymentOutcome::captured : PaymentOutcome::declined;
  auto paid = co_await settle(attempt, outcome);
  co_return paid;
}

Task<Paid> PayOrder::settle(Attempt attempt, PaymentOutcome outcome) {
  Command command = SettlePayment{attempt.order, attempt.attempt, outcome};
  const auto settled = co_await gate_.submit(std::move(command));
  if (settled && outcome == PaymentOutcome::declined)
    co_return fail(Code::payment_declined, "the card was declined; the order can be paid until payBy");
  // Not settled: the money has moved or not; the resolver asks the provider until the log knows.
  auto paid = co_await read(attempt, settled.has_value());
  co_return paid;
}

Task<Paid> PayOrder::read(Attempt attempt, bool known) {
  auto order = co_await reader_.find(attempt.user, attempt.order);
  if (!order) co_return fail(std::move(order.error()));
  co_return Paid{std::move(*order), known, false};
}

}  // namespace market::order
