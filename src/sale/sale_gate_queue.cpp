/// The sale gate's queue: how a command waits for the writer thread, and how its answer comes back.

#include <algorithm>

#include "base/prefetch.hpp"
#include "sale/sale_gate_pending.hpp"

namespace market::sale {
namespace {

constexpr int look_ups_max = 8;
constexpr Millis idle_tick{500};
constexpr std::size_t prefetch_ahead = 3;  ///< What stands in the queue was last touched by another core.

}  // namespace

// ---- I/O threads ----

void MemorySaleGate::push(Pending& pending) {
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

Task<> MemorySaleGate::look_up(Pending& pending) {
  if (pending.missing == Missing::order) {
    const auto found = co_await parts_.records.find(order_of(pending.command));
    if (!found) co_return fail(found.error());
    pending.recorded = found->order;
    pending.as_of = found->as_of;
  } else {
    const auto& place = std::get<PlaceOrder>(pending.command);
    const Instant since = parts_.clock.now() - KeyFilter::life;
    const auto found = co_await parts_.records.find_by_key(place.user, place.key, since);
    if (!found) co_return fail(found.error());
    pending.recorded = found->order;
    pending.as_of = found->as_of;
  }
  co_return Result<>();
}

Task<Submitted> MemorySaleGate::submit(Command command) {
  if (stopping_.load(std::memory_order_relaxed))
    co_return fail(Code::overloaded, "this server is shutting down");
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= settings_.queue_max) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    co_return fail(Code::overloaded, "too many orders are waiting");
  }
  Pending pending(command);
  pending.executor = co_await asio::this_coro::executor;
  for (int tries = 0; tries < look_ups_max; ++tries) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, &pending](auto handler) {
          pending.handler.emplace(std::move(handler));
          push(pending);
        },
        asio::use_awaitable);
    if (pending.missing == Missing::nothing) break;
    const auto looked = co_await look_up(pending);
    if (looked) continue;
    pending.answer = fail(looked.error());
    break;
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  if (pending.missing != Missing::nothing && pending.answer)
    co_return fail(Code::overloaded, "the records are too busy to look this order up");
  co_return std::move(pending.answer);
}

// ---- The writer thread ----

Millis MemorySaleGate::sleep_time(Instant now) const {
  Millis sleep = idle_tick;
  if (!deadlines_.empty()) sleep = std::min(sleep, deadlines_.top().at - now);
  if (log_failed_) sleep = std::min(sleep, next_try_ - now);
  return std::max(sleep, Millis(0));
}

void MemorySaleGate::take_queue(Batch& batch) {
  if (!queue_.load()) {
    const bool timed = !deadlines_.empty() || !remembered_.empty() || log_failed_;
    const auto has_work = [this] { return queue_.load() != nullptr || stopping_.load(); };
    std::unique_lock lock(sleep_mutex_);
    asleep_.store(true);
    if (timed)
      wake_.wait_for(lock, sleep_time(parts_.clock.now()), has_work);
    else
      wake_.wait(lock, has_work);
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

void MemorySaleGate::resume(std::span<Pending* const> batch) {
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

void MemorySaleGate::refuse_all(std::span<Pending* const> batch, const Error& error) {
  for (Pending* pending : batch) {
    pending->missing = Missing::nothing;
    pending->answer = fail(error);
  }
  resume(batch);
}

}  // namespace market::sale
