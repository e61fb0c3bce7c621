/// The sale gate's queue: how a command waits for the writer thread, and how its answer comes back.

#include <algorithm>

#include "base/prefetch.hpp"
#include "sale/gate_pending.hpp"

namespace market::sale {
namespace {

using Steady = std::chrono::steady_clock;
constexpr int look_ups_max = 8;
constexpr Millis idle_tick{500};
constexpr Millis shared_tick{100};  ///< On a log that others write: so often it is looked at.
/// Whose request it is, as far as the command says.
UserId user_of(const Command& command) {
  return std::visit(
      [](const auto& body) {
        if constexpr (requires { body.user; })
          return body.user;
        else
          return UserId{};
      },
      command.body);
}

Task<Submitted> refused(Error error) {
  co_return fail(std::move(error));
}

constexpr std::size_t prefetch_ahead = 3;  ///< What stands in the queue was last touched by another core.

}  // namespace

// ---- I/O threads ----

void LogGate::push(Pending& pending) {
  pending.pushed = Steady::now();
  Pending* head = queue_.load(std::memory_order_relaxed);
  do {
    pending.next = head;
  } while (!queue_.compare_exchange_weak(head, &pending));
  // Sequentially consistent with the exchange above: the writer sees one or the other. The first of a burst
  // wakes it, the others need no system call.
  if (asleep_.load() && asleep_.exchange(false)) {
    const std::scoped_lock lock(sleep_mutex_);
    wake_.notify_one();
  }
}

Task<> LogGate::look_up(Pending& pending) {
  LookedUp& found = pending.looked_up;
  if (pending.missing == Sequencer::Missing::order) {
    const auto order = co_await parts_.records.find(order_of(pending.command));
    if (!order) co_return fail(order.error());
    found.order = order->order;
    found.order_as_of = order->as_of;
    co_return Result<>();
  }
  const Instant since = parts_.clock.now() - KeyFilter::life;
  const UserId user = pending.buyer ? pending.buyer : user_of(pending.command);
  const auto key = co_await parts_.records.find_key(user, pending.command.key, since);
  if (!key) co_return fail(key.error());
  found.bound = key->bound;
  found.key_as_of = key->as_of;
  co_return Result<>();
}

/// No coroutine itself: one frame less for each command.
Task<Submitted> LogGate::submit(Command command) {
  if (stopping_.load(std::memory_order_relaxed))
    return refused(Error(Code::overloaded, "this server is shutting down"));
  if (log_silent_.load(std::memory_order_relaxed)) return refused(log_is_silent());
  if (!remote_ || writes_.load(std::memory_order_acquire)) return decide_here(std::move(command), 0);
  if (log_away_.load(std::memory_order_relaxed)) return refused(log_is_silent());
  return remote_->submit(std::move(command));
}

Task<Submitted> LogGate::decide_here(Command command, wire::Term only_in) {
  if (only_in != 0) {  // Those of its own come through submit().
    if (stopping_.load(std::memory_order_relaxed))
      co_return fail(Code::recovering, "this instance is shutting down; another will decide");
    if (log_silent_.load(std::memory_order_relaxed)) co_return fail(log_is_silent());
  }
  if (hanging_.load(std::memory_order_relaxed))
    co_return fail(Code::recovering, "the disk of the event log hangs; nothing happened");
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= settings_.queue_max) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    co_return fail(Code::overloaded, "too many orders are waiting");
  }
  Pending pending(command);
  pending.only_in = only_in;
  pending.executor = co_await asio::this_coro::executor;
  for (int tries = 0; tries < look_ups_max; ++tries) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, &pending](auto handler) {
          pending.handler.emplace(std::move(handler));
          push(pending);
        },
        asio::use_awaitable);
    if (pending.missing == Sequencer::Missing::nothing) break;
    const auto looked = co_await look_up(pending);
    if (looked) continue;
    pending.missing = Sequencer::Missing::nothing;
    pending.answer = fail(looked.error());
    break;
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  if (pending.missing != Sequencer::Missing::nothing)
    co_return fail(Code::overloaded, "the records are too busy to look this order up");
  co_return std::move(pending.answer);
}

// ---- The writer thread ----

Millis LogGate::sleep_time(Instant now) const {
  Millis sleep = parts_.shared ? shared_tick : idle_tick;
  if (!writes_.load(std::memory_order_relaxed)) {
    if (parts_.shared) return Millis(0);       // It waits for records.
    sleep = std::min(sleep, next_try_ - now);  // What is due cannot be written before.
  } else if (const auto due = sequencer_.next_deadline()) {
    sleep = std::min(sleep, *due - now);
  }
  return std::max(sleep, Millis(0));
}

void LogGate::take_queue(Batch& batch) {
  if (!queue_.load()) {
    const auto has_work = [this] { return queue_.load() != nullptr || stopping_.load(); };
    std::unique_lock lock(sleep_mutex_);
    asleep_.store(true);
    wake_.wait_for(lock, copy_ ? Millis(1) : sleep_time(parts_.clock.now()), has_work);
    asleep_.store(false);
  }
  if (last_batch_size_ >= settings_.gather_from) {
    std::unique_lock lock(sleep_mutex_);
    wake_.wait_for(lock, settings_.gather_time, [this] { return stopping_.load(); });
  }
  for (Pending* taken = queue_.exchange(nullptr); taken; taken = taken->next) {
    prefetch(taken);  // All of it: the loop itself needs `next` alone.
    batch.push_back(taken);
  }
  std::reverse(batch.begin(), batch.end());  // First come, first served.
  last_batch_size_ = batch.size();
}

void LogGate::resume(std::span<Pending* const> batch) {
  struct Thread {
    const void* context;
    asio::any_io_executor executor;
    std::vector<Pending*> answered;
  };
  boost::container::small_vector<Thread, 8> threads;
  for (Pending* pending : batch) {
    const void* context = &asio::query(pending->executor, asio::execution::context);
    auto thread = std::find_if(threads.begin(), threads.end(),
                               [=](const Thread& each) { return each.context == context; });
    if (thread == threads.end()) thread = threads.insert(thread, Thread{context, pending->executor, {}});
    thread->answered.push_back(pending);
  }
  for (Thread& thread : threads) {
    asio::post(thread.executor, [answered = std::move(thread.answered)] {
      for (std::size_t i = 0; i < answered.size(); ++i) {
        if (i + prefetch_ahead < answered.size()) prefetch(answered[i + prefetch_ahead]);
        auto handler = std::move(*answered[i]->handler);
        std::move(handler)();  // The coroutine ends, and its Pending with it, inside the call.
      }
    });
  }
}

void LogGate::refuse_all(std::span<Pending* const> batch, const Error& error) {
  for (Pending* pending : batch) {
    pending->missing = Sequencer::Missing::nothing;
    // Of those of others, `unavailable` says alone that they could not be looked up (remote_gate.cpp).
    const bool log_tells = pending->only_in != 0 && error.code == Code::unavailable;
    pending->answer = log_tells ? fail(Code::recovering, "the log will tell its sender") : fail(error);
  }
  resume(batch);
}

/// Whoever was told before that a key is bound gets the same answer, also while nothing can be written.
void LogGate::refuse_or_replay(std::span<Pending* const> batch) {
  for (Pending* pending : batch) {
    // What others have written to a shared log meanwhile is not known here.
    auto outcome = parts_.shared ? std::nullopt : sequencer_.replay(pending->command, pending->looked_up);
    if (outcome) {
      settle(*pending, std::move(*outcome));
      continue;
    }
    pending->missing = Sequencer::Missing::nothing;
    pending->answer = fail(last_failure_);
  }
  resume(batch);
}

/// To the instance that writes now. `decided`: it may have happened in the term that is over; the log will
/// tell. Commands of others come again by themselves.
void LogGate::hand_on(std::span<Pending* const> batch, bool decided) {
  const auto answer = [this](Pending* pending, Result<Submitted> said) {
    pending->answer = std::move(said);
    resume({&pending, 1});
  };
  for (Pending* pending : batch) {
    if (decided && pending->missing != Sequencer::Missing::nothing) {
      resume({&pending, 1});  // Looked up, then here again.
      continue;
    }
    pending->missing = Sequencer::Missing::nothing;
    if (pending->only_in != 0) {
      answer(pending, fail(Code::recovering, "another instance will decide"));
      continue;
    }
    if (!decided && log_silent_.load(std::memory_order_relaxed)) {
      answer(pending, fail(log_is_silent()));
      continue;
    }
    Command command = pending->command;
    if (!decided) command.id = {};
    const auto waited = std::chrono::duration_cast<Millis>(Steady::now() - pending->pushed);
    remote_->adopt(std::move(command), decided ? term_ : 0, waited,
                   [answer, pending](Result<Submitted> said) { answer(pending, std::move(said)); });
  }
}

/// While the writer is at the log: nobody else looks at what waits.
void LogGate::refuse_queue(const Error& error) {
  Batch waiting;
  for (Pending* taken = queue_.exchange(nullptr); taken; taken = taken->next) waiting.push_back(taken);
  refuse_all(waiting, error);
}

}  // namespace market::sale
