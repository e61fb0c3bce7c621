#pragma once
/// A reply as handlers give it, and what a handler is. No socket, no parser here.

#include <functional>
#include <memory>

#include "base/id.hpp"
#include "base/task.hpp"
#include "http/message/request.hpp"

namespace market::http {

struct Header {
  std::string name, value;
};

/// Where a streaming reply writes: server-sent events. write() waits while the peer is slow (back-pressure).
class Stream {
 public:
  virtual ~Stream() = default;
  /// Errors: unavailable when the peer is gone or the server drains: return then.
  virtual Task<> write(std::string chunk) = 0;
};

struct TunnelEnd;

/// An upstream's answer on its way through: it leaves as it is, apart from framing.
struct ForwardedHead {
  std::string lines;  ///< Status line and fields, none of them about framing or the connection.
  std::optional<std::uint64_t> stream_length;  ///< Of a streamed body; nullopt: chunked.
};

struct Reply {
  Status status = Status::ok;
  std::string_view content_type;  ///< A literal; empty: no body.
  std::string body;
  /// Instead of `body`, when many replies share it (documents, cached pages).
  std::shared_ptr<const std::string> shared_body;
  std::vector<Header> headers;  ///< Not in the reply itself, which every coroutine on its way moves twice.
  /// Runs after the head was sent; the connection closes when it returns. Set for event streams only. It must
  /// be a function returning a named coroutine's Task (STYLE.md, coroutines rule 1).
  std::function<Task<>(Stream&)> stream;
  /// Instead of `content_type`; `headers` are added to it. With a stream, the connection lives on behind it.
  std::optional<ForwardedHead> forwarded;
  /// After a 101: what the client sends and gets from then on.
  std::shared_ptr<TunnelEnd> tunnel;
  bool noted = false;  ///< Whoever made it has told the access log, or knows that it is not wanted there.
  bool has_origins = false;  ///< It says which other origins may read it, or its route lets none.
};

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view problem_type = "application/problem+json";

inline Reply json(Status status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.content_type = json_type;
  reply.body = std::move(body);
  return reply;
}
inline Reply no_content() {
  Reply reply;
  reply.status = Status::no_content;
  return reply;
}

/// Every handler. `request` outlives the Task. Keep it a lambda that only calls a named coroutine.
using Handler = std::function<Task<Reply>(const Request& request)>;

}  // namespace market::http
