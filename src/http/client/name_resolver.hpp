#pragma once
/// Names to addresses under a deadline. The system's look-up blocks and cannot be given up, so it runs on a
/// few threads that nobody waits for: a silent name server holds up neither other names for long nor the end
/// of the process.
///
///   const auto found = co_await NameResolver::shared().resolve("registry.internal", "8761", deadline);
///   if (found.error) …

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/task.hpp"
#include "base/time.hpp"

namespace market::http {

class NameResolver {
 public:
  struct Answer {
    boost::system::error_code error;
    std::vector<asio::ip::tcp::endpoint> endpoints;  ///< Never empty without an error.
  };
  using Done = std::function<void(Answer)>;
  /// Blocks.
  using Lookup = std::function<Answer(const std::string& host, const std::string& port)>;

  NameResolver(unsigned threads, Lookup lookup);
  /// Waits for look-ups under way.
  ~NameResolver();
  /// The process's own: it lives to the very end.
  static NameResolver& shared();

  /// Calls `done` on `executor` once, after `deadline` at the latest (timed_out); try_again when too many
  /// wait. Not at all when the executor's context ends before.
  void resolve(const asio::any_io_executor& executor, std::string host, std::string port, Millis deadline,
               Done done);
  asio::awaitable<Answer> resolve(std::string host, std::string port, Millis deadline);

 private:
  struct Waiting;
  struct Question;
  static constexpr std::size_t questions_max = 256;
  void work();

  const Lookup lookup_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<std::shared_ptr<Question>> questions_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace market::http
