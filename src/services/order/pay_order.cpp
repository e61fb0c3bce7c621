#include "services/order/pay_order.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace market::order {
namespace {

/// Why nobody was charged, which is certain; none: somebody was, or it is not known, or the card was
/// declined.
std::optional<Error> not_charged_by(const Result<ChargeState>& answer) {
  if (answer && *answer == ChargeState::not_charged)
    return Error(Code::overloaded, "the payment provider cannot be reached; nothing was charged");
  if (!answer && (answer.error().code == Code::validation || answer.error().code == Code::order_not_payable))
    return answer.error();
  return std::nullopt;
}

/// Whether the gate has nothing against the request itself: the order is one that no payment is begun for.
bool begins_nothing(const Error& refusal) {
  // The gate may have forgotten an order that is paid and recorded.
  return refusal.code == Code::order_not_payable || refusal.code == Code::order_not_found;
}

/// Whether the gate may begin a payment of it.
bool may_be_begun(const Order& order) {
  return order.state == OrderState::accepted &&
         (order.payment == PaymentState::none || order.payment == PaymentState::declined);
}

}  // namespace

/// A charge and whoever waits for it; it goes on when nobody waits any more.
struct PayOrder::Charging {
  explicit Charging(asio::any_io_executor executor) : timer(std::move(executor)) {}
  asio::steady_timer timer;
  std::optional<Result<ChargeState>> answer;
  bool is_left = false;  ///< Nobody waits any more.
};

/// Whoever pays: ends with an answer for all, however it ends.
class PayOrder::Turn {
 public:
  Turn(PayOrder& payments, OrderId order, UnderWayPtr mine)
      : payments_(payments), order_(order), mine_(std::move(mine)) {}
  Turn(const Turn&) = delete;
  ~Turn() {
    if (!ended_) end(fail(Code::unavailable, "the payment was broken off"));
  }
  void end(Result<Paid> answer) {
    ended_ = true;
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard lock(payments_.mutex_);
      mine_->answer = std::move(answer);
      waiting.swap(mine_->waiting);
      payments_.under_way_.erase(order_);
    }
    for (const auto& wake : waiting) wake();
  }

 private:
  PayOrder& payments_;
  const OrderId order_;
  const UnderWayPtr mine_;
  bool ended_ = false;
};

bool PayOrder::may_try(OrderId order) {
  const std::lock_guard lock(mutex_);
  const auto known = declines_.find(order);
  return known == declines_.end() || known->second < declines_max;
}

void PayOrder::count_decline(OrderId order) {
  const std::lock_guard lock(mutex_);
  ++declines_[order];
  if (declines_.size() > declined_orders_max) declines_.erase(declines_.begin());
}

PayOrder::UnderWayPtr PayOrder::find_or_begin(const Command& command, const std::string& token, bool& first) {
  const std::lock_guard lock(mutex_);
  auto& slot = under_way_[std::get<StartPayment>(command.body).order];
  first = slot == nullptr;
  if (first) slot = std::make_shared<UnderWay>(token, command.key, command.fingerprint);
  return slot;
}

Task<Paid> PayOrder::run(Command command, std::string token) {
  const StartPayment asked = std::get<StartPayment>(command.body);
  while (true) {
    // The total first: an attempt that is in the log must be charged.
    const auto order = co_await reader_.find(asked.user, asked.order);
    if (!order) co_return fail(order.error());
    if ((*order)->payment == PaymentState::paid) {
      // Nothing is begun for it: whatever else is under way, the token says what the answer is.
      auto paid = co_await start(std::move(command), *order, std::move(token));
      co_return paid;
    }
    if ((*order)->payment != PaymentState::pending && !may_try(asked.order))
      co_return fail(Code::order_not_payable,
                     "too many payments of this order were declined; cancel it, or let it end");
    bool first = false;
    auto mine = find_or_begin(command, token, first);
    if (first) {
      Turn turn(*this, asked.order, std::move(mine));
      auto paid = co_await start(std::move(command), *order, std::move(token));
      turn.end(paid);
      co_return paid;
    }
    if (mine->token != token) {
      auto beside = co_await beside_another(std::move(command), std::move(token));
      co_return beside;
    }
    auto same = co_await wait_for(mine, asked);
    const bool same_key = mine->key == command.key && mine->fingerprint == command.fingerprint;
    // The first one's key was bound to something else, which says nothing of this request.
    if (!same && same.error().code == Code::idempotency_mismatch && !same_key) continue;
    if (!same || !command.key) co_return same;
    std::optional<Paid> answered = std::move(*same);
    auto paid = co_await start(std::move(command), *order, std::move(token), std::move(answered));
    co_return paid;
  }
}

/// Another token is being tried, and perhaps about to be refused: the order may have been paid with this one
/// just now, or be waiting for its outcome.
Task<Paid> PayOrder::beside_another(Command command, std::string token) {
  const StartPayment asked = std::get<StartPayment>(command.body);
  auto order = co_await reader_.find(asked.user, asked.order);
  if (!order) co_return fail(std::move(order.error()));
  if ((*order)->payment == PaymentState::paid) {
    auto paid = co_await start(std::move(command), std::move(*order), std::move(token));
    co_return paid;
  }
  if ((*order)->payment == PaymentState::pending) {
    const auto with = co_await provider_.compare((*order)->attempt, std::move(token));
    if (with && *with == ChargedToken::same) co_return Paid{std::move(*order), false, false};
  }
  co_return fail(Code::order_not_payable, "a payment of this order with another token is under way");
}

Task<Paid> PayOrder::wait_for(UnderWayPtr first, StartPayment asked) {
  const auto executor = co_await asio::this_coro::executor;
  const auto timer = std::make_shared<asio::steady_timer>(executor);
  timer->expires_after(2 * answer_max_);  // The first one takes no longer, but for the gate.
  bool wait = false;
  {
    const std::lock_guard lock(mutex_);
    wait = !first->answer.has_value();
    auto wake = [executor, timer] { asio::post(executor, [timer] { timer->cancel(); }); };
    if (wait) first->waiting.emplace_back(std::move(wake));
  }
  boost::system::error_code ignored;
  if (wait) co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  {
    const std::lock_guard lock(mutex_);
    if (first->answer) co_return *first->answer;
  }
  auto order = co_await reader_.find(asked.user, asked.order);
  if (!order) co_return fail(std::move(order.error()));
  const bool known = (*order)->payment != PaymentState::pending;
  co_return Paid{std::move(*order), known, false};
}

/// `order`: as it was before. `answered`: the same token was, just now; only the key is to be looked
/// up.
Task<Paid> PayOrder::start(Command command, OrderPtr order, std::string token, std::optional<Paid> answered) {
  if (may_be_begun(*order)) {
    // What is refused for certain leaves nothing behind, in the log neither.
    auto accepted = provider_.accepts(order->total, token);
    if (!accepted) co_return fail(std::move(accepted.error()));
  }
  const StartPayment asked = std::get<StartPayment>(command.body);
  const RequestKey key = command.key;
  const std::uint64_t fingerprint = command.fingerprint;
  auto started = co_await gate_.submit(std::move(command));
  if (!started) {
    if (answered && begins_nothing(started.error())) co_return std::move(*answered);
    const Attempt repeated{asked.user, asked.order, {}, order->total, key, fingerprint};
    auto paid = co_await unless_paid(repeated, std::move(token), std::move(started.error()));
    co_return paid;
  }
  if (started->replayed) {
    auto paid = co_await replay(asked, std::move(token));
    co_return paid;
  }
  const AttemptId attempt = std::get<PaymentStarted>(started->event->event.fact).attempt;
  if (key && resolver_ != nullptr) resolver_->bind(attempt, key, fingerprint);
  Attempt begun{asked.user, asked.order, attempt, order->total, key, fingerprint};
  begun.pay_by = order->pay_by;
  if (order->payment == PaymentState::declined) begun.before = PaymentState::declined;
  failpoint_.reach(Failpoint::At::attempt);
  auto paid = co_await charge(begun, std::move(token));
  co_return paid;
}

/// The gate refuses to begin a payment: perhaps because this very one has been begun, or has succeeded.
Task<Paid> PayOrder::unless_paid(Attempt asked, std::string token, Error refusal) {
  if (!begins_nothing(refusal)) co_return fail(std::move(refusal));
  auto order = co_await reader_.find(asked.user, asked.order);
  if (!order) co_return fail(std::move(order.error()));
  const bool paid = (*order)->payment == PaymentState::paid;
  if (!paid && (*order)->payment != PaymentState::pending) co_return fail(std::move(refusal));
  const auto with = co_await provider_.compare((*order)->attempt, token);
  if (!paid && with && *with == ChargedToken::unknown) {
    // Nobody is charged for an order that is over.
    if ((*order)->state != OrderState::accepted) co_return fail(std::move(refusal));
    // Whoever began it has not asked for money yet, or never will: an instance that was killed. The attempt
    // is charged once, however often the provider is asked.
    asked.attempt = (*order)->attempt;
    asked.pay_by = (*order)->pay_by;
    asked.begun_here = false;
    auto charged = co_await charge(asked, std::move(token));
    co_return charged;
  }
  if (with && *with == ChargedToken::another)
    co_return fail(Code::order_not_payable, paid ? "the order was paid with another token"
                                                 : "a payment of this order with another token is under way");
  // Its key, if it has one, is bound to nothing: the gate has looked it up before it refused.
  co_return Paid{std::move(*order), paid, false};
}

/// The key is bound. In logs of before also by an attempt that was declined: such a request may be sent
/// again.
Task<Paid> PayOrder::replay(StartPayment asked, std::string token) {
  auto order = co_await reader_.find(asked.user, asked.order);
  if (!order) co_return fail(std::move(order.error()));
  if ((*order)->payment == PaymentState::declined) {
    Command again = asked;
    auto paid = co_await start(std::move(again), std::move(*order), std::move(token));
    co_return paid;
  }
  const bool known = (*order)->payment != PaymentState::pending;
  co_return Paid{std::move(*order), known, true};
}

asio::awaitable<void> PayOrder::ask_for_money(std::shared_ptr<Charging> charging, Attempt attempt,
                                              std::string token) {
  auto answer = co_await provider_.charge(attempt.attempt, attempt.total, std::move(token));
  if (charging->is_left && attempt.begun_here && not_charged_by(answer)) {
    // The resolver could only ask, and the provider does not know of it: the order would wait for long.
    const auto settled = co_await settle(attempt, PaymentOutcome::declined, attempt.before);
    static_cast<void>(settled);  // Not settled: as above.
    co_return;
  }
  charging->answer = std::move(answer);
  charging->timer.cancel();
}

Task<Paid> PayOrder::charge(Attempt attempt, std::string token) {
  const auto executor = co_await asio::this_coro::executor;
  auto charging = std::make_shared<Charging>(executor);
  charging->timer.expires_after(answer_max_);
  charges_.spawn(executor, ask_for_money(charging, attempt, std::move(token)));
  boost::system::error_code ignored;
  if (!charging->answer)
    co_await charging->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!charging->answer) {
    charging->is_left = true;
    auto pending = co_await read(attempt, false);
    co_return pending;
  }
  const Result<ChargeState> answer = *charging->answer;
  if (answer && *answer == ChargeState::captured) failpoint_.reach(Failpoint::At::charge);
  auto not_charged = not_charged_by(answer);
  if (not_charged) {
    // Whoever has begun it may only be slow: called declined, it could be charged beside the next attempt.
    if (!attempt.begun_here) co_return fail(std::move(*not_charged));
    if (not_charged->code != Code::overloaded) count_decline(attempt.order);  // One that is away is none.
    const auto settled = co_await settle(attempt, PaymentOutcome::declined, attempt.before);
    if (settled || settled.error().code == Code::payment_declined) co_return fail(std::move(*not_charged));
    co_return fail(settled.error());
  }
  if (!answer || *answer == ChargeState::unknown) {
    auto pending = co_await read(attempt, false);
    co_return pending;
  }
  const auto outcome = *answer == ChargeState::captured ? PaymentOutcome::captured : PaymentOutcome::declined;
  if (outcome == PaymentOutcome::declined) count_decline(attempt.order);
  auto paid = co_await settle(attempt, outcome);
  co_return paid;
}

Task<Paid> PayOrder::settle(Attempt attempt, PaymentOutcome outcome, std::optional<PaymentState> back_to) {
  Command command = SettlePayment{attempt.order, attempt.attempt, outcome, back_to};
  if (outcome == PaymentOutcome::captured) {
    command.key = attempt.key;
    command.fingerprint = attempt.fingerprint;
  }
  const auto settled = co_await gate_.submit(std::move(command));
  if (settled) failpoint_.reach(Failpoint::At::settle);
  if (settled && outcome == PaymentOutcome::declined) {
    const bool is_late = settled->event == nullptr || settled->event->event.at >= attempt.pay_by;
    co_return fail(Code::payment_declined, is_late
                                               ? "the card was declined"
                                               : "the card was declined; the order can be paid until payBy");
  }
  // Not settled: the money has moved or not; the resolver asks the provider until the log knows.
  auto paid = co_await read(attempt, settled.has_value());
  // Another instance took this attempt for declined while it was charged here, and a later one is the
  // order's: nothing counts this money any more.
  const bool is_over = paid && paid->order->attempt.value > attempt.attempt.value;
  if (is_over && outcome == PaymentOutcome::captured && resolver_ != nullptr)
    resolver_->give_back(attempt.order, attempt.attempt);
  co_return paid;
}

Task<Paid> PayOrder::read(Attempt attempt, bool known) {
  auto order = co_await reader_.find(attempt.user, attempt.order);
  if (!order) co_return fail(std::move(order.error()));
  co_return Paid{std::move(*order), known, false};
}

}  // namespace market::order
