#pragma once
/// One request to an instance, as the coroutine that waits for the answer keeps it.

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "http/client/response_parser.hpp"

namespace market::http {

class UpstreamConnection;

/// Who may stand in line with whom on one connection.
enum class Lane : std::uint8_t {
  safe,   ///< GET, HEAD: answered in turn.
  keyed,  ///< Orders with a key: independent of each other, so an instance may work on them together.
  alone,  ///< What may not be repeated, and what may take long.
};
inline constexpr std::size_t shared_lanes = 2;

enum class Outcome : std::uint8_t {
  answered,       ///< head and body are there, until the next co_await.
  streamed,       ///< head is there; the body comes through `stream`.
  upgraded,       ///< 101: the connection is a raw pipe now.
  not_connected,  ///< It never left: anything may be tried elsewhere.
  not_processed,  ///< The instance said that it would take no more: as above.
  lost,           ///< The connection broke: it may have been done.
  stalled,        ///< It stood behind one that takes long, and may have been done. Never when alone.
  timed_out,      ///< As lost.
  malformed,      ///< The answer cannot be trusted: 502.
  mismatched,     ///< The answer is not this request's, which may have been done.
  continued,      ///< To one that asks: it may send its body, on another connection.
  refused,        ///< The instance could not read the request, and answers nobody in particular: see status.
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
  std::string_view request_id;  ///< As the head says it; an instance that repeats it must repeat it right.
  bool answers_head = false;    ///< HEAD: no body follows.
  Lane lane = Lane::alone;      ///< Others of its lane may stand before and behind it.
  bool upgrade = false;
  bool asks = false;             ///< `Expect: 100-continue`, whose body stays here: over with the first word.
  std::int64_t deadline_ms = 0;  ///< Of the thread's clock.
  std::chrono::milliseconds idle_time{4'000};  ///< How long its connection may be idle, before and after.
  bool fresh = false;                          ///< No connection that has served before.

  // The answer.
  Outcome outcome = Outcome::not_connected;
  const ResponseHead* response = nullptr;
  int status = 0;      ///< When refused.
  bool stale = false;  ///< Lost on a connection that had served before, and closed without a byte.
  std::string_view response_body;
  std::string_view problem;  ///< A literal, when malformed.
  std::shared_ptr<AnswerStream> stream;
  std::optional<CallWaiter> waiter;
};

}  // namespace market::http
