// The answering half of a session: replies, refusals, streams, and how bytes leave.

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/limited_warnings.hpp"
#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/conditional.hpp"
#include "http/message/media_type.hpp"
#include "http/message/problem.hpp"
#include "http/message/problem_sentence.hpp"
#include "http/message/status_line.hpp"
#include "http/server/connection.hpp"
#include "http/server/connection_stream.hpp"
#include "http/server/tunnel.hpp"

namespace market::http {
namespace {

/// While a database is away each request says the same.
void say_rarely(const std::string& trouble) {
  static const auto warn = limited_warnings();
  warn(trouble);
}

constexpr std::size_t copy_bytes_max = 16 * 1024;  ///< Bigger bodies are sent from where they are.
/// In send_time_max, of a reader with a full buffer before it: 550 bytes a second.
constexpr std::size_t send_bytes_min = 16 * 1024;
/// A sender whose request was refused in its middle reads the answer when it has sent all: as long as it
/// sends, and no longer than this.
constexpr std::chrono::milliseconds linger_time_max{30'000};
constexpr std::chrono::milliseconds linger_silence_max{2'000};
constexpr int pieces_in_a_row_max = 16;  ///< Discarded before others of this thread get their turn.

const Header unbuffered{"X-Accel-Buffering", "no"};  ///< nginx would wait for a buffer full of events.
constexpr std::string_view all_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

}  // namespace

/// What the server says by itself: unknown paths and methods, OPTIONS, media types.
std::optional<Reply> Connection::answer_without_handler(Request& request, const Router::Match& match,
                                                        bool has_body) {
  if (request.method == Method::options &&
      (request.path == "*" || (!match.handler && !match.allow.empty()))) {
    Reply reply = no_content();
    reply.headers.push_back({"Allow", std::string(match.allow.empty() ? all_methods : match.allow)});
    return reply;
  }
  if (match.handler && match.options->loopback_only &&
      !(request.is_from_this_machine() && request.has_loopback_host())) {
    request.route_index = 0;
    return problem_reply(Error(Code::not_found, "there is nothing at this path"), request.trace_id);
  }
  if (match.handler && !request.query.empty() && !match.options->any_query)
    if (const auto known = request.expect_query(match.options->query); !known) {
      const auto allowed = match.options->head_check ? match.options->head_check(request) : Result<>();
      return problem_reply(allowed ? known.error() : allowed.error(), request.trace_id);
    }
  if (match.handler) {
    const bool may_have_body = request.method != Method::get && request.method != Method::head;
    if (!has_body || !may_have_body || match.options->any_body) return std::nullopt;
    if (const auto coding = request.header("Content-Encoding");
        !coding.empty() && !same_letters(coding, "identity")) {
      auto reply = problem_reply(Error(Code::unsupported_media_type, "a body may not be compressed"),
                                 request.trace_id);
      reply.headers.push_back({"Accept-Encoding", "identity"});  // RFC 9110 15.5.16.
      return reply;
    }
    if (!match.options->json_body) {
      const auto& types = match.options->media_types;
      const auto sent = essence_of(request.only_header("Content-Type").value_or(std::string_view()));
      if (types.empty() || std::any_of(types.begin(), types.end(),
                                       [sent](std::string_view type) { return same_letters(type, sent); }))
        return std::nullopt;
      const auto allowed = match.options->head_check ? match.options->head_check(request) : Result<>();
      return problem_reply(allowed ? Error(Code::unsupported_media_type, "the body is of no type taken here")
                                   : allowed.error(),
                           request.trace_id);
    }
    if (const auto type = request.only_header("Content-Type"); type && is_json_type(*type))
      return std::nullopt;
    return problem_reply(Error(Code::unsupported_media_type, "the body must be application/json"),
                         request.trace_id);
  }
  if (match.status == Status::method_not_allowed) {
    Reply reply = status_problem(match.status, "this path has other methods; see Allow", request.trace_id);
    reply.headers.push_back({"Allow", std::string(match.allow)});
    return reply;
  }
  return problem_reply(Error(Code::not_found, "there is nothing at this path"), request.trace_id);
}

bool Connection::answer_conditionally(Reply& reply) const {
  if (reply.status != Status::ok || !request_.has_header("If-None-Match") ||
      (request_.method != Method::get && request_.method != Method::head))
    return false;
  const auto tag = std::find_if(reply.headers.begin(), reply.headers.end(),
                                [](const Header& field) { return same_letters(field.name, "etag"); });
  if (tag == reply.headers.end()) return false;
  const std::size_t bytes = reply.shared_body ? reply.shared_body->size() : reply.body.size();
  const bool encoded = std::any_of(reply.headers.begin(), reply.headers.end(), [](const Header& field) {
    return same_letters(field.name, "content-encoding");
  });
  const bool varies = !encoded && bytes > compress_bytes_min && is_compressible(reply.content_type);
  const bool packed = varies && accepts_gzip(request_.header("accept-encoding"));
  auto current = packed ? tag_of_gzip(tag->value) : tag->value;
  if (!none_match(request_, current)) return false;
  tag->value = std::move(current);
  reply = not_modified(std::move(reply));
  return varies;
}

Reply Connection::answer_of(Result<Reply> answer, const Request& request) {
  if (answer) return std::move(*answer);
  if (answer.error().code == Code::internal)
    spdlog::error("internal error, trace {}: {}", request.trace_id, answer.error().detail);
  else if (!words_for_strangers(answer.error().code).empty())
    say_rarely(answer.error().detail);
  return problem_reply(answer.error(), request.trace_id);
}

Reply Connection::answer_of(const std::exception& failure, const Request& request) {
  spdlog::error("a handler failed, trace {}: {}", request.trace_id, failure.what());
  return problem_reply(Error(Code::internal, ""), request.trace_id);
}

void Connection::write_reply(Reply& reply) {
  if (has_no_content(reply.status)) {  // What a route made of another answer may have one.
    reply.body.clear();
    reply.shared_body.reset();
    reply.stream = nullptr;
  }
  thread_.warm.lend(out_);
  HeadNeeds needs;
  if (!reply.forwarded) needs.vary = answer_conditionally(reply);
  count(reply.status);
  if (auto* access_log = thread_.shared().access_log; access_log && !reply.noted) note(*access_log, reply);
  if (const auto& amend = thread_.shared().amend) amend(request_, reply);
  needs.request_id = request_.request_id;
  needs.secure = request_.secure;
  if (!framing_.keep_alive || (is_draining() && !more_answers_)) must_close_ = true;
  needs.close = must_close_;
  needs.keep_alive_1_0 = framing_.http_1_0;
  // Whoever has sent several knows it already.
  needs.independent =
      !more_answers_ && request_.method == Method::post && request_.has_header(independent_field);

  if (reply.forwarded) {
    needs.no_length = request_.method == Method::head || ends_with_head(reply.status);
    needs.close = must_close_ && !reply.tunnel;
    needs.body_bytes = reply.body.size();
    append_forwarded_head(out_, reply, needs);
    if (needs.no_length) return;
    if (reply.body.size() <= copy_bytes_max)
      out_.append(reply.body);
    else
      tail_ = reply.body;
    return;
  }

  if (reply.content_type == problem_type) add_sentence(reply.body, request_.header("accept-language"));
  std::string_view body =
      reply.shared_body ? std::string_view(*reply.shared_body) : std::string_view(reply.body);
  if (reply.stream) {  // Of HEAD: as GET says it, which has no length either.
    reply.headers.push_back(unbuffered);
    needs.no_length = true;
  }
  if (body.size() > compress_bytes_min && is_compressible(reply.content_type)) {
    bool encoded = false;
    for (const auto& header : reply.headers)
      encoded = encoded || same_letters(header.name, "content-encoding");
    needs.vary = !encoded;
    if (!encoded && accepts_gzip(request_.header("accept-encoding"))) {
      if (reply.shared_body) {
        if (auto compressed = thread_.gzip_cache.of(reply.shared_body)) {
          reply.shared_body = std::move(compressed);
          needs.gzip = true;
        }
      } else if (auto compressed = gzip(body, 1); !compressed.empty() && compressed.size() < body.size()) {
        reply.body = std::move(compressed);
        needs.gzip = true;
      }
      body = reply.shared_body ? std::string_view(*reply.shared_body) : std::string_view(reply.body);
    }
  }
  needs.body_bytes = body.size();
  needs.behind_gateway =
      request_.from_trusted && limits_.trusted_are_gateways && is_independent(request_, framing_);
  append_head(out_, reply, needs, thread_.standard);
  if (request_.method == Method::head || ends_with_head(reply.status)) return;
  if (body.size() <= copy_bytes_max)
    out_.append(body);
  else
    tail_ = body;  // The reply outlives the flush that follows.
}

/// The answer to what cannot be served. The head is read anew: the buffer may have moved since, and what
/// `request_` has seen of it is gone. One that was understood has its ids in the answer, by which a gateway
/// knows whose it is.
void Connection::refuse(const Refusal& refusal) {
  const std::string origin(field_of_refused_head(in_.view(), "origin"));
  const std::string language(field_of_refused_head(in_.view(), "accept-language"));
  Refusal again;
  request_.method = Method::get;
  request_.target = request_.path = request_.query = {};
  const auto random = request_.random;
  const bool complete =
      parse_head(in_.view(), head_limits(), request_, framing_, again) == HeadState::complete;
  if (!complete) {
    request_.headers.clear();
    if (!origin.empty()) request_.headers.push_back({"origin", origin});
  }
  set_origin(request_, trace_);
  if (complete) request_.random = random;  // What was drawn for it stays so.
  Reply reply =
      refusal.status == Status::payload_too_large
          ? problem_reply(Error(Code::payload_too_large, std::string(refusal.detail)), request_.trace_id)
      : refusal.status == Status::bad_request
          ? problem_reply(Error(Code::bad_request, std::string(refusal.detail)), request_.trace_id)
      : refusal.status == Status::unavailable
          ? problem_reply(Error(Code::overloaded, std::string(refusal.detail)), request_.trace_id)
          : status_problem(refusal.status, refusal.detail, request_.trace_id);
  if (refusal.status == Status::method_not_allowed)
    reply.headers.push_back({"Allow", std::string(all_methods)});
  add_sentence(reply.body, language);
  thread_.count(0, reply.status, -1);
  if (auto* access_log = thread_.shared().access_log) note_refused(*access_log, reply);
  if (const auto& amend = thread_.shared().amend; amend && !origin.empty()) amend(request_, reply);
  request_.headers.clear();
  must_close_ = true;
  HeadNeeds needs;
  needs.request_id = request_.request_id;
  needs.secure = request_.secure;
  needs.close = true;
  needs.body_bytes = reply.body.size();
  append_head(out_, reply, needs, thread_.standard);
  out_.append(reply.body);
}

asio::awaitable<bool> Connection::run_stream(Reply reply) {
  count(reply.status);
  if (auto* access_log = thread_.shared().access_log; access_log && !reply.noted) note(*access_log, reply);
  if (const auto& amend = thread_.shared().amend) amend(request_, reply);
  HeadNeeds needs;
  needs.request_id = request_.request_id;
  needs.secure = request_.secure;
  const bool forwarded = reply.forwarded.has_value();
  const auto length = forwarded ? reply.forwarded->stream_length : std::nullopt;
  needs.chunked = !framing_.http_1_0 && !length;
  needs.no_length = framing_.http_1_0 && !length;
  needs.body_bytes = static_cast<std::size_t>(length.value_or(0));
  if (!framing_.keep_alive || !forwarded || needs.no_length || is_draining()) must_close_ = true;
  needs.close = must_close_;
  needs.keep_alive_1_0 = framing_.http_1_0;
  if (forwarded)
    append_forwarded_head(out_, reply, needs);
  else {
    reply.headers.push_back(unbuffered);
    append_head(out_, reply, needs, thread_.standard);
  }
  streaming_ = true;
  const bool started = co_await flush();
  if (!started) co_return false;
  bool whole = true, cancelled = false;
  try {
    ConnectionStream stream(*this, needs.chunked);
    const auto ended = co_await reply.stream(stream);
    // How a stream ends is between the handler and its log; the peer sees the end alone. But a body of
    // another's that broke off must not look whole.
    if (!ended && ended.error().code == Code::internal)
      spdlog::error("a stream failed: {}", ended.error().detail);
    if (!ended && forwarded) whole = false;
  } catch (const boost::system::system_error& error) {
    cancelled = error.code() == asio::error::operation_aborted;  // The peer left, or we drain.
    whole = cancelled && !forwarded;
    if (!cancelled) spdlog::error("a stream failed: {}", error.what());
  } catch (const std::exception& error) {
    whole = false;
    spdlog::error("a stream failed: {}", error.what());
  }
  streaming_ = false;
  if (closed_) co_return false;
  if (whole && needs.chunked) out_.append("0\r\n\r\n");
  if (whole && !must_close_) co_return true;
  if (!whole || cancelled || is_unwanted()) {
    send_some();
  } else {  // Its end may have to wait for the reader, as what is before it had to.
    const bool sent = co_await flush();
    if (!sent) co_return false;
  }
  ::shutdown(fd_.get(), SHUT_WR);
  co_return false;
}

void Connection::start_tunnel(TunnelEnd& other) {
  TunnelEnd own(OwnedFd(fd_.release()), std::string(in_.view().substr(framing_.head_bytes)));
  thread_.release(place_, own.fd.get());
  given_away_ = true;
  Tunnel::start(thread_, peer_, std::move(own), std::move(other));
}

void Connection::hold_back() {
  if (flush_asked_) return;
  flush_asked_ = true;
  thread_.flush_soon(place_);
}

Connection::Sent Connection::send_some() {
  while (out_sent_ < out_.size() || !tail_.empty()) {
    ssize_t count = 0;
    if (tail_.empty()) {
      count = ::send(fd_.get(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    } else {
      iovec parts[2] = {{out_.data() + out_sent_, out_.size() - out_sent_},
                        {const_cast<char*>(tail_.data()), tail_.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    }
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Sent::blocked;
      closed_ = true;
      return Sent::failed;
    }
    const auto bytes = static_cast<std::size_t>(count);
    const auto of_out = std::min(bytes, out_.size() - out_sent_);
    out_sent_ += of_out;
    tail_.remove_prefix(bytes - of_out);
  }
  out_.clear();
  out_sent_ = 0;
  return Sent::all;
}

asio::awaitable<bool> Connection::flush() {
  const auto unsent = [this] { return out_.size() - out_sent_ + tail_.size(); };
  auto sent = send_some();
  while (sent == Sent::blocked) {
    const std::size_t left = unsent();
    deadline_ms_ = after(limits_.send_time_max);
    co_await wait(Waiting::write);
    const Wake woken = wake_;
    if (woken != Wake::closing) sent = send_some();
    // A peer that takes a byte now and then would hold its answer, and us, for days.
    const bool stuck = woken == Wake::timeout && sent == Sent::blocked && left - unsent() < send_bytes_min;
    if (stuck) drop_unsent(fd_.get());
    if (stuck || woken == Wake::closing) {
      closed_ = true;
      co_return false;
    }
  }
  co_return sent == Sent::all;
}

Connection::Discarded Connection::discard_some() {
  std::array<char, 16 * 1024> scratch;
  for (int i = 0; i < pieces_in_a_row_max; ++i) {
    const ssize_t count = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
    if (count > 0 || (count < 0 && errno == EINTR)) continue;
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Discarded::all : Discarded::ended;
  }
  return Discarded::more;
}

/// Lets the peer read the last answer: closing with unread bytes would send a reset that may overtake it
/// (RFC 9112 9.6).
asio::awaitable<void> Connection::linger() {
  ::shutdown(fd_.get(), SHUT_WR);
  if (in_.empty() && peer_closed_) co_return;
  in_.consume(in_.size());
  thread_.warm.take_back(in_);
  std::string().swap(chunked_body_);
  if (charged_ > 0) thread_.shared().give_back_unfinished(peer_, std::exchange(charged_, 0));
  const auto end = after(linger_time_max);
  while (thread_.now_ms() < end) {
    const Discarded discarded = discard_some();
    if (discarded == Discarded::ended) co_return;
    if (discarded == Discarded::more) {
      co_await asio::post(thread_.io(), asio::use_awaitable);
      continue;
    }
    deadline_ms_ = std::min({end, after(linger_silence_max), is_draining() ? drain_end_ms_ : no_deadline});
    co_await wait(Waiting::read);
    if (wake_ != Wake::ready) co_return;
  }
}

}  // namespace market::http
