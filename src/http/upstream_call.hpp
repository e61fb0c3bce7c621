#pragma once
/// One request to an instance, as the coroutine that waits for the answer keeps it.

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "http/response_parser.hpp"

namespace market::http {

class UpstreamConnection;

enum class Outcome : std::uint8_t {
  answered,       ///< head and body are there, until the next co_await.
  streamed,       ///< head is there; the body comes through `stream`.
  upgraded,       ///< 101: the connection is a raw pipe now.
  not_connected,  ///< It never left: anything may be tried elsewhere.
  not_processed,  ///< The instance said that it would take no more: as above.
  lost,           ///< The connection broke: it may have been done.
  timed_out,      ///< As lost.
  malformed,      ///< The answer cannot be trusted: 502.
  overloaded,     ///< Too many wait for this instance already.
};

/// The body of a long answer. Dropping it before its end closes the connection to the instance.
class AnswerStream {
 public:
  explicit AnswerStream(std::shared_ptr<UpstreamConnection> connection);
  ~AnswerStream();
  AnswerStream(const AnswerStream&) = delete;
  /// The next bytes; empty: the end. Errors: unavailable, when the answer breaks off.
  Task<std::string> next();
  const std::shared_ptr<UpstreamConnection>& connection() const { return connection_; }

 private:
  std::shared_ptr<UpstreamConnection> connection_;
};

using CallWaiter = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

struct Call {
  // The question. It stays where it is until the outcome is there.
  std::string head;  ///< Up to and including the empty line.
  std::string_view body;
  bool answers_head = false;  ///< HEAD: no body follows.
  bool shares = false;        ///< Others may stand before and behind it: safe requests only.
  bool upgrade = false;
  std::int64_t deadline_ms = 0;  ///< Of the thread's clock.

  // The answer.
  Outcome outcome = Outcome::not_connected;
  const ResponseHead* response = nullptr;
  std::string_view response_body;
  std::string_view problem;  ///< A literal, when malformed.
  std::shared_ptr<AnswerStream> stream;
  std::optional<CallWaiter> waiter;
};

}  // namespace market::http
