#include "http/client/name_resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace market::http {
namespace {

NameResolver::Answer look_up(const std::string& host, const std::string& port) {
  NameResolver::Answer answer;
  asio::io_context io;
  for (const auto& found : asio::ip::tcp::resolver(io).resolve(host, port, answer.error))
    answer.endpoints.push_back(found.endpoint());
  if (!answer.error && answer.endpoints.empty()) answer.error = asio::error::host_not_found;
  return answer;
}

NameResolver::Answer failed(const boost::system::error_code& error) {
  return {error, {}};
}

}  // namespace

/// Who asked: on the executor's thread alone, and gone with its context.
struct NameResolver::Waiting {
  Waiting(const asio::any_io_executor& executor, Done done) : timer(executor), done(std::move(done)) {}
  asio::steady_timer timer;
  Done done;
  void answer(Answer found) {
    if (!done) return;
    timer.cancel();
    std::exchange(done, nullptr)(std::move(found));
  }
};

/// What the look-up's thread knows of it.
struct NameResolver::Question {
  std::string host, port;
  std::mutex mutex;
  bool is_waited_for = true;  ///< False: the executor may be gone.
  asio::any_io_executor executor;
  std::weak_ptr<Waiting> waiting;

  bool is_over() {
    const std::lock_guard lock(mutex);
    return !is_waited_for;
  }
  void tell(Answer answer) {
    const std::lock_guard lock(mutex);
    if (!is_waited_for) return;
    asio::post(executor, [asker = waiting, answer = std::move(answer)]() mutable {
      if (const auto alive = asker.lock()) alive->answer(std::move(answer));
    });
  }
};

NameResolver::NameResolver(unsigned threads, Lookup lookup) : lookup_(std::move(lookup)) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

NameResolver::~NameResolver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_all();
  for (auto& thread : threads_) thread.join();
}

NameResolver& NameResolver::shared() {
  // Never destroyed: a look-up may still be under way when the process ends.
  static constexpr unsigned threads = 4;
  static auto* const resolver = new NameResolver(threads, look_up);
  return *resolver;
}

void NameResolver::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_.wait(lock, [this] { return stopping_ || !questions_.empty(); });
    if (stopping_) return;
    const auto question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    if (!question->is_over()) question->tell(lookup_(question->host, question->port));
    lock.lock();
  }
}

void NameResolver::resolve(const asio::any_io_executor& executor, std::string host, std::string port,
                           Millis deadline, Done done) {
  const auto question = std::make_shared<Question>();
  const auto waiting = std::make_shared<Waiting>(executor, std::move(done));
  question->host = std::move(host);
  question->port = std::move(port);
  question->executor = executor;
  question->waiting = waiting;
  // Lives as long as the wait: it ends with the timer, or with the context.
  const std::shared_ptr<void> waited_for(nullptr, [question](void*) {
    const std::lock_guard lock(question->mutex);
    question->is_waited_for = false;
  });
  waiting->timer.expires_after(deadline);
  waiting->timer.async_wait([waiting, waited_for](boost::system::error_code cancelled) {
    if (!cancelled) waiting->answer(failed(asio::error::timed_out));
  });
  {
    const std::lock_guard lock(mutex_);
    if (questions_.size() < questions_max) {
      questions_.push_back(question);
      asked_.notify_one();
      return;
    }
  }
  question->tell(failed(asio::error::try_again));
}

asio::awaitable<NameResolver::Answer> NameResolver::resolve(std::string host, std::string port,
                                                            Millis deadline) {
  const auto executor = co_await asio::this_coro::executor;
  const auto found =
      co_await asio::async_initiate<decltype(asio::use_awaitable), void(std::shared_ptr<Answer>)>(
          [this, executor, deadline](auto handler, std::string name, std::string service) {
            const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            resolve(executor, std::move(name), std::move(service), deadline, [shared](Answer answer) {
              std::move (*shared)(std::make_shared<Answer>(std::move(answer)));
            });
          },
          asio::use_awaitable, std::move(host), std::move(port));
  co_return std::move(*found);
}

}  // namespace market::http
