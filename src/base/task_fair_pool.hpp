#pragma once
/// A few threads for work that is dear to us and cheap to ask for: clients take turns, so that one with many
/// pieces waits for its own alone. When too much waits, whoever has the most gives way to one with less.

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

#include "base/task.hpp"

namespace market {

/// Thrown by work in a FairPool, from within its loops, when others have waited for it long enough: it is
/// answered `overloaded`.
struct OutOfTime final : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class FairPool {
 public:
  FairPool(unsigned threads, std::size_t waiting_max) : waiting_max_(waiting_max), pool_(threads) {}
  ~FairPool() { stop(); }

  /// Runs `work` (returning Result<T>) in its client's turn, and answers on the caller's executor.
  /// Errors: overloaded; internal.
  template <class Work>
  auto run(std::string client, Work work) -> asio::awaitable<std::invoke_result_t<Work>> {
    using Answer = std::invoke_result_t<Work>;
    auto answer = co_await asio::async_initiate<decltype(asio::use_awaitable), void(std::shared_ptr<Answer>)>(
        [this](auto handler, std::string whose, Work piece) {
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          auto job = std::make_shared<Work>(std::move(piece));
          add(std::move(whose), [shared, job](bool granted) {
            auto result = std::make_shared<Answer>(granted ? answer_in_time(*job) : Answer(refused()));
            auto executor = asio::get_associated_executor(*shared);
            asio::post(executor, [shared, result]() mutable { std::move (*shared)(std::move(result)); });
          });
        },
        asio::use_awaitable, std::move(client), std::move(work));
    co_return std::move(*answer);
  }

  int waiting() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(waiting_count_);
  }
  void stop() { pool_.join(); }

 private:
  /// Called once: with false when there is no room for it.
  using Job = std::function<void(bool granted)>;
  static tl::unexpected<Error> refused();
  template <class Work>
  static auto answer_in_time(Work& work) -> std::invoke_result_t<Work&> {
    auto in_time = [&work]() -> std::invoke_result_t<Work&> {
      try {
        return work();
      } catch (const OutOfTime& error) {
        return fail(Code::overloaded, error.what());
      }
    };
    return answer_of(in_time);
  }
  void add(std::string client, Job job);
  void run_next();

  const std::size_t waiting_max_;
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<Job>> waiting_;  ///< By client; no queue is empty.
  std::deque<std::string> turns_;                   ///< Each of these clients once.
  std::size_t waiting_count_ = 0;
  asio::thread_pool pool_;  ///< Has one piece of work for each job that waits: "run the next".
};

}  // namespace market
