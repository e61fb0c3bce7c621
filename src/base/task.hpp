#pragma once
/// How everything that may wait answers, and how blocking work leaves the I/O threads.

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.hpp"

namespace market {

namespace asio = boost::asio;

/// What every port, use case and handler returns.
template <class T = void>
using Task = asio::awaitable<Result<T>>;

/// What `work` answers; an exception (a bug, or no memory) is `internal`, and ends nothing but this work.
template <class Work>
auto answer_of(Work& work) -> std::invoke_result_t<Work&> {
  try {
    return work();
  } catch (const std::exception& error) {
    return fail(Code::internal, std::string("work on a pool ended by itself: ") + error.what());
  } catch (...) {
    return fail(Code::internal, "work on a pool ended by itself");
  }
}

/// A few threads for work that blocks (SQL, password hashing), with a bound on what may wait.
/// Errors of run(): overloaded, at once, when `waiting_max` pieces are already waiting; internal.
class BlockingPool {
 public:
  BlockingPool(unsigned threads, int waiting_max) : pool_(threads), waiting_max_(waiting_max) {}
  ~BlockingPool() { stop(); }

  /// Runs `work` (returning Result<T>) on the pool and answers on the caller's executor.
  template <class Work>
  auto run(Work work) -> asio::awaitable<std::invoke_result_t<Work>> {
    using Answer = std::invoke_result_t<Work>;
    if (waiting_.fetch_add(1, std::memory_order_relaxed) >= waiting_max_) {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      co_return fail(Code::overloaded, "too much is waiting for the database or the password check");
    }
    auto answer = co_await asio::async_initiate<decltype(asio::use_awaitable), void(std::shared_ptr<Answer>)>(
        [this](auto handler, Work job) {
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          asio::post(pool_, [this, shared, job = std::move(job)]() mutable {
            auto result = std::make_shared<Answer>(answer_of(job));
            waiting_.fetch_sub(1, std::memory_order_relaxed);
            auto executor = asio::get_associated_executor(*shared);
            asio::post(executor, [shared, result]() mutable { std::move (*shared)(std::move(result)); });
          });
        },
        asio::use_awaitable, std::move(work));
    co_return std::move(*answer);
  }

  int waiting() const { return waiting_.load(std::memory_order_relaxed); }
  void stop() { pool_.join(); }

 private:
  asio::thread_pool pool_;
  int waiting_max_;
  std::atomic<int> waiting_{0};
};

}  // namespace market
