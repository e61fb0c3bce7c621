#include "http/server/connection_stream.hpp"

#include "http/message/ascii.hpp"
#include "http/message/problem.hpp"
#include "http/message/status_line.hpp"

namespace market::http {

namespace {

/// Of the lines of another server's head, which are written as we write them but for case.
bool is_event_stream(const ForwardedHead& head) {
  constexpr std::string_view name = "\r\ncontent-type: text/event-stream";
  const auto& lines = head.lines;
  for (auto at = lines.find("\r\n"); at != std::string::npos; at = lines.find("\r\n", at + 2))
    if (same_letters(std::string_view(lines).substr(at, name.size()), name)) return true;
  return false;
}

}  // namespace

void Connection::expect_stream_place(Reply& reply) {
  const bool lasts = reply.stream && (!reply.forwarded || is_event_stream(*reply.forwarded));
  if (!lasts || request_.method == Method::head || has_no_content(reply.status)) return;
  has_stream_place_ = thread_.shared().take_stream(peer_);
  if (has_stream_place_) {
    must_close_ = true;  // Behind the stream it would be a connection again, for which room may be gone.
    return;
  }
  ErrorExtras extras;
  extras.retry_after_seconds = 5;
  reply = problem_reply(Error(Code::rate_limited, "too many event streams are open", std::move(extras)),
                        request_.trace_id);
}

}  // namespace market::http
