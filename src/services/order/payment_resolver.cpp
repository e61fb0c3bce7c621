#include "services/order/payment_resolver.hpp"

#include <future>

#include "base/task_outlive.hpp"

namespace market::order {

PaymentResolver::PaymentResolver(SaleGate& gate, PaymentProvider& provider, const Clock& clock,
                                 asio::any_io_executor executor, ResolverLimits limits, Failpoint failpoint)
    : gate_(gate),
      provider_(provider),
      clock_(clock),
      executor_(executor),
      limits_(limits),
      failpoint_(std::move(failpoint)),
      timer_(executor) {}

std::optional<PaymentResolver::News> PaymentResolver::news_of(const Event& event) {
  if (const auto* started = std::get_if<PaymentStarted>(&event.fact))
    return News{OpenPayment{started->order, started->attempt, false}, false};
  if (const auto* paid = std::get_if<OrderPaid>(&event.fact))
    return News{OpenPayment{paid->order, paid->attempt, false}, true};
  if (const auto* declined = std::get_if<PaymentDeclined>(&event.fact))
    return News{OpenPayment{declined->order, declined->attempt, false}, true};
  if (const auto* refunded = std::get_if<Refunded>(&event.fact))
    return News{OpenPayment{refunded->order, refunded->attempt, true}, true};
  if (const auto* owed = std::get_if<RefundOwed>(&event.fact))
    return News{OpenPayment{owed->order, owed->attempt, true}, false};
  const auto* cancelled = std::get_if<OrderCancelled>(&event.fact);
  if (cancelled != nullptr && cancelled->refund)
    return News{OpenPayment{cancelled->order, cancelled->refund, true}, false};
  const auto* moved = std::get_if<OrderMoved>(&event.fact);
  if (moved != nullptr && moved->refund) return News{OpenPayment{moved->order, moved->refund, true}, false};
  return std::nullopt;
}

void PaymentResolver::follow(const CountedEvents& events) {
  std::vector<News> all;
  for (const CountedEvent& counted : *events)
    if (const auto news = news_of(counted.event)) all.push_back(*news);
  if (all.empty()) return;
  asio::post(executor_, [this, all = std::move(all)] {
    for (const News& news : all) {
      if (news.settled)
        forget(news.payment.attempt);
      else
        add(news.payment, news.payment.refund ? Millis(0) : limits_.answer_max);
    }
    serve_due();
  });
}

void PaymentResolver::watch(OpenPayment open) {
  asio::post(executor_, [this, open] {
    add(open, open.refund ? Millis(0) : limits_.first_wait);
    serve_due();
  });
}

void PaymentResolver::bind(AttemptId attempt, RequestKey key, std::uint64_t fingerprint) {
  asio::post(executor_, [this, attempt, key, fingerprint] {
    const auto known = unsettled_.find(attempt);
    if (known == unsettled_.end()) return;
    known->second.key = key;
    known->second.fingerprint = fingerprint;
  });
}

void PaymentResolver::hint(AttemptId attempt) {
  asio::post(executor_, [this, attempt] {
    const auto known = unsettled_.find(attempt);
    if (known == unsettled_.end() || known->second.asking) return;
    due_.erase({known->second.next, attempt});
    known->second.next = clock_.now();
    due_.insert({known->second.next, attempt});
    serve_due();
  });
}

void PaymentResolver::give_back(OrderId order, AttemptId attempt) {
  asio::post(executor_, [this, owed = OpenPayment{order, attempt, true}] {
    if (stopped_) return;
    add(owed, Millis(0));
    schedule();
  });
}

bool PaymentResolver::run_there(std::function<void()> work, Millis longest) {
  auto done = std::make_shared<std::promise<void>>();
  auto ended = done->get_future();
  asio::post(executor_, [work = std::move(work), done] {
    work();
    done->set_value();
  });
  return ended.wait_for(longest) == std::future_status::ready;
}

bool PaymentResolver::stop(Millis longest) {
  auto stopping = [this] {
    stopped_ = true;
    timer_.cancel();
  };
  if (!run_there(std::move(stopping), longest)) return false;
  if (!tasks_.wait(longest)) return false;
  return run_there([] {}, longest);  // Behind a timer that had fired already.
}

void PaymentResolver::add(OpenPayment open, Millis first_wait) {
  const auto known = unsettled_.find(open.attempt);
  if (known != unsettled_.end()) {
    if (known->second.open.refund == open.refund) return;
    due_.erase({known->second.next, open.attempt});
  }
  const Instant now = clock_.now();
  // Since it was begun, whichever process that was; an id that was ahead of the clock counts from now.
  const Instant since = std::min(now, time_of_id(open.attempt.value));
  unsettled_[open.attempt] = Unsettled{open, since, now + first_wait, limits_.first_wait, false, {}, 0};
  due_.insert({now + first_wait, open.attempt});
}

void PaymentResolver::forget(AttemptId attempt) {
  const auto known = unsettled_.find(attempt);
  if (known == unsettled_.end()) return;
  due_.erase({known->second.next, attempt});
  unsettled_.erase(known);
}

void PaymentResolver::schedule() {
  if (stopped_ || due_.empty() || asking_ >= limits_.resolver_concurrency_max) return;
  const Instant next = due_.begin()->first;
  if (next >= armed_) return;
  armed_ = next;
  timer_.expires_after(std::max(Millis(0), next - clock_.now()));
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    armed_ = Instant::max();
    serve_due();
  });
}

void PaymentResolver::serve_due() {
  const Instant now = clock_.now();
  while (!stopped_ && asking_ < limits_.resolver_concurrency_max && !due_.empty() &&
         due_.begin()->first <= now) {
    Unsettled& unsettled = unsettled_.at(due_.begin()->second);
    due_.erase(due_.begin());
    unsettled.asking = true;
    ++asking_;
    tasks_.spawn(executor_, resolve(unsettled.open, unsettled.since));
  }
  schedule();
}

asio::awaitable<void> PaymentResolver::resolve(OpenPayment open, Instant since) {
  const bool done = co_await outlive("an open payment", false, ask_and_settle(open, since));
  asked(open, done);
}

asio::awaitable<bool> PaymentResolver::ask_and_settle(OpenPayment open, Instant since) {
  const auto outcome = co_await ask(open, since);
  if (!outcome) co_return false;
  Command command = SettlePayment{open.order, open.attempt, *outcome};
  if (const auto known = unsettled_.find(open.attempt);
      known != unsettled_.end() && *outcome == PaymentOutcome::captured) {
    command.key = known->second.key;
    command.fingerprint = known->second.fingerprint;
  }
  Command plain = command;
  plain.key = {};
  auto settled = co_await gate_.submit(std::move(command));
  // Whatever the key was bound to meanwhile: the money has moved.
  if (!settled && settled.error().code == Code::idempotency_mismatch)
    settled = co_await gate_.submit(std::move(plain));
  co_return settled || settled.error().code == Code::order_not_found;
}

Task<PaymentOutcome> PaymentResolver::ask(OpenPayment open, Instant since) {
  if (open.refund) {
    const auto refunded = co_await provider_.refund(open.attempt);
    if (!refunded) co_return fail(refunded.error());
    failpoint_.reach(Failpoint::At::refund);
    co_return PaymentOutcome::refunded;
  }
  const auto found = co_await provider_.find(open.attempt);
  if (!found) co_return fail(found.error());
  if (*found == ChargeState::captured) co_return PaymentOutcome::captured;
  if (*found == ChargeState::unknown && clock_.now() - since < limits_.unknown_max)
    co_return fail(Code::unavailable, "the provider does not know of it yet");
  co_return PaymentOutcome::declined;
}

void PaymentResolver::asked(OpenPayment open, bool done) {
  --asking_;
  // The log may have told meanwhile that it is settled, or that the money is owed back: another question.
  const auto known = unsettled_.find(open.attempt);
  if (known != unsettled_.end() && known->second.asking && known->second.open.refund == open.refund) {
    Unsettled& unsettled = known->second;
    if (done) {
      unsettled_.erase(known);
    } else {
      unsettled.asking = false;
      unsettled.next = clock_.now() + unsettled.wait;
      unsettled.wait = std::min(unsettled.wait * 2, open.refund ? limits_.refund_wait_max : limits_.wait_max);
      due_.insert({unsettled.next, open.attempt});
    }
  }
  serve_due();
}

}  // namespace market::order
