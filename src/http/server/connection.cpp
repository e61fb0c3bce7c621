#include "http/server/connection.hpp"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <cerrno>
#include <cstring>

#include "http/message/chunked.hpp"
#include "http/message/problem.hpp"
#include "http/message/proxy_addresses.hpp"
#include "http/message/status_line.hpp"

namespace market::http {
namespace {

constexpr std::size_t kept_chunked_bytes = 4 * 1024;  ///< A connection keeps no more of a decoded body.
/// A connection that is idle when the server stops may have a request on its way: it gets this long.
constexpr std::chrono::milliseconds drain_idle_max{500};
/// And a request that has begun to come gets this long to be whole.
constexpr std::chrono::milliseconds drain_unfinished_max{2'000};
constexpr std::size_t hop_bytes_max = 1024;  ///< What gateways before us may add to a head.
constexpr int requests_in_a_row_max = 64;    ///< Then others of this thread get their turn.

}  // namespace

void Connection::start(IoThread& thread, OwnedFd fd, const Peer& peer) {
  std::unique_ptr<Connection> session(new Connection(thread, std::move(fd), peer));
  const auto cancel = session->cancel_;
  asio::co_spawn(thread.io(), serve(std::move(session)),
                 asio::bind_cancellation_slot(cancel->slot(), [cancel](std::exception_ptr error) {
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& reason) {
                     spdlog::error("a connection failed: {}", reason.what());
                   }
                 }));
}

Connection::Connection(IoThread& thread, OwnedFd fd, const Peer& peer)
    : thread_(thread),
      limits_(thread.shared().limits),
      fd_(std::move(fd)),
      peer_(peer),
      cancel_(std::make_shared<asio::cancellation_signal>()) {
  place_ = thread_.add(*this, fd_.get());
  request_.remote_address = peer_.text.data();
  id_ = thread.ids.next();
  request_.remote_is_loopback = peer_.loopback;
  request_.secure = peer_.tls;
}

Connection::~Connection() {
  if (charged_ > 0) thread_.shared().give_back_unfinished(peer_, charged_);
  if (given_away_) return;
  limit_unsent(fd_.get(), limits_.send_time_max);
  thread_.remove(place_);
  thread_.shared().connection_closed(peer_, has_stream_place_);
}

// ---- what the thread tells -------------------------------------------------------------------------------

void Connection::resume(Wake why) {
  wake_ = why;
  waiting_ = Waiting::nothing;
  deadline_ms_ = no_deadline;
  Waiter waiter = std::move(*waiter_);
  waiter_.reset();
  std::move(waiter)();  // May end this session.
}

void Connection::on_event(std::uint32_t events) {
  const bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (gone || (events & EPOLLRDHUP) != 0) peer_closed_ = true;
  // Who sends no more may still read, and an answer with an end is worth it.
  if (streaming_ && (gone || (peer_closed_ && is_endless()))) {
    if (waiting_ != Waiting::nothing)
      resume(Wake::closing);
    else
      cancel_->emit(asio::cancellation_type::terminal);
  } else if (readable_ && (waiting_ == Waiting::read || reads_pipelined_)) {
    resume(Wake::ready);
  } else if (waiting_ == Waiting::write && (gone || (events & EPOLLOUT) != 0)) {
    resume(Wake::ready);
  }
}

void Connection::on_deadline() {
  deadline_ms_ = no_deadline;
  if (waiting_ != Waiting::nothing) resume(Wake::timeout);
}

void Connection::on_drain() {
  drain_end_ms_ = after(drain_unfinished_max);
  if (streaming_ && !is_endless()) return;  // A long answer: it is finished.
  if (streaming_ && waiting_ == Waiting::nothing)
    cancel_->emit(asio::cancellation_type::terminal);
  else if (streaming_)
    resume(Wake::closing);
  else if (waiting_ == Waiting::read && in_.empty())
    deadline_ms_ = after(drain_idle_max);  // A request may be on its way: it is answered with a close.
  else if (waiting_ == Waiting::read)
    deadline_ms_ = std::min(deadline_ms_, drain_end_ms_);
}

void Connection::abandon() {
  abandoned_ = closed_ = true;
  if (waiting_ == Waiting::handlers) return;  // They know this session: it ends behind them.
  if (waiting_ != Waiting::nothing)
    resume(Wake::closing);
  else
    cancel_->emit(asio::cancellation_type::terminal);
}

void Connection::flush_held_back() {
  flush_asked_ = false;
  if (waiting_ != Waiting::write) send_some();
}

// ---- the life of a connection ----------------------------------------------------------------------------

asio::awaitable<void> Connection::serve(std::unique_ptr<Connection> self) {
  Connection& s = *self;
  const Router& router = s.thread_.shared().router;
  int in_a_row = 0;
  for (;;) {
    if (in_a_row >= requests_in_a_row_max) {
      in_a_row = 0;
      co_await asio::post(s.thread_.io(), asio::use_awaitable);
    }
    const HeadState head = s.parse();
    if (head == HeadState::incomplete) {
      in_a_row = 0;
      if (!s.out_.empty() && s.send_some() != Sent::all) {
        const bool sent = co_await s.flush();
        if (!sent) break;
      }
      if (s.readable_ && s.receive()) continue;
      if (!s.expect_more()) break;
      co_await s.wait(Waiting::read);
      if (s.wake_ == Wake::ready) continue;
      if (s.wake_ == Wake::timeout && !s.in_.empty())
        s.refusal_ = Refusal{Status::request_timeout, "the head took too long"};
      break;
    }
    if (head == HeadState::refused) {
      co_await s.read_refused_head();
      break;
    }

    if (is_independent(s.request_, s.framing_)) {
      if (auto first = s.take_pipelined()) {
        const bool goes_on = co_await s.serve_pipelined(std::move(first));
        if (!goes_on) co_return;
        if (s.must_close_) break;
        continue;
      }
    }
    auto match = router.match(s.request_);
    if (!s.body_is_buffered()) {
      const std::size_t limit = s.body_limit(s.request_, match);
      if (s.framing_.content_length <= limit && s.is_worth_judging_early()) {
        auto early = co_await s.judge_early(match);
        if (s.abandoned_) co_return;
        if (early) {
          s.must_close_ = true;  // The body is not read: nothing behind it could be found.
          s.write_reply(*early);
          const bool sent = co_await s.flush();  // A long one is sent from where it is.
          if (!sent) co_return;
          break;
        }
      }
      const bool whole = co_await s.read_body(limit);
      if (!whole) break;
      match = router.match(s.request_);  // The buffer may have moved, and the path's parts with it.
    } else if (s.framing_.content_length > 0 && s.framing_.content_length > s.body_limit(s.request_, match)) {
      s.refusal_ = Refusal{Status::payload_too_large, "the body is too large"};
      break;
    }

    std::optional<Reply> reply = s.answer_without_handler(s.request_, match, !s.request_.body.empty());
    if (!reply) {
      try {
        s.thread_.serving = s.id_;
        auto answer = co_await (*match.handler)(s.request_);
        reply = answer_of(std::move(answer), s.request_);
      } catch (const std::exception& failure) {
        reply = answer_of(failure, s.request_);
      }
    }
    if (s.abandoned_) co_return;
    s.expect_stream_place(*reply);
    if (reply->stream && s.request_.method != Method::head && !has_no_content(reply->status)) {
      const bool goes_on = co_await s.run_stream(std::move(*reply));
      if (!goes_on) co_return;
      s.consume(s.message_bytes());
      continue;
    }
    s.write_reply(*reply);
    if (reply->tunnel) {
      const bool sent = co_await s.flush();
      if (sent) s.start_tunnel(*reply->tunnel);
      co_return;
    }
    if (!s.tail_.empty() || s.out_.size() > held_bytes_max) {
      const bool sent = co_await s.flush();
      if (!sent) co_return;
    }
    s.consume(s.message_bytes());
    if (s.must_close_) break;
    if (s.in_.empty()) continue;
    s.hold_back();
    ++in_a_row;
  }
  if (s.closed_) co_return;
  if (s.refusal_) s.refuse(*s.refusal_);
  const bool sent = co_await s.flush();
  if (sent) co_await s.linger();
}

// ---- reading ---------------------------------------------------------------------------------------------

/// A gateway adds some fields to what it was sent.
HeadLimits Connection::head_limits() const {
  return {limits_.head_bytes_max + (peer_.trusted ? hop_bytes_max : 0), limits_.head_fields_max,
          limits_.request_line_bytes_max};
}

HeadState Connection::parse() {
  if (!parse_due_) return HeadState::incomplete;
  Refusal refusal;
  const auto state = parse_head(in_.view(), head_limits(), request_, framing_, refusal);
  if (state == HeadState::refused) refusal_ = refusal;
  if (state == HeadState::incomplete) parse_due_ = false;
  if (state != HeadState::complete) return state;
  request_.body = framing_.chunked ? std::string_view(chunked_body_)
                                   : in_.view().substr(framing_.head_bytes, framing_.content_length);
  request_.http_1_0 = framing_.http_1_0;
  set_origin(request_, trace_);
  began_ns_ = steady_ns();
  return state;
}

void Connection::set_origin(Request& request, TraceContext& trace) {
  trace.take(request, thread_.ids);
  request.asked_ahead = false;
  request.random = thread_.ids.next();
  const auto& trusted = thread_.trusted_proxies();
  request.remote_address = peer_.text.data();
  if (trusted_version_ != thread_.trusted_version()) {  // They may have come to be known since it connected.
    trusted_version_ = thread_.trusted_version();
    peer_.trusted = is_in(request.remote_address, trusted);
  }
  request.from_trusted = peer_.trusted;
  if (!peer_.trusted) return;
  request.remote_address = client_address(request, trusted);
  if (!request.remote_address.empty()) return;
  if (name_.empty()) name_ = name_of_connection(id_);
  request.remote_address = name_;
}

bool Connection::receive() {
  if (in_.empty()) request_began_ms_ = thread_.now_ms();
  const bool fresh = in_.empty();
  thread_.warm.lend(in_);
  in_.make_space();
  char* const space = in_.space();
  const auto room = in_.space_size();
  ssize_t count;
  do count = ::recv(fd_.get(), space, room, 0);
  while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    readable_ = false;
    return false;
  }
  if (count <= 0) {
    closed_ = count < 0;
    peer_closed_ = true;
    readable_ = false;
    return false;
  }
  const auto bytes = static_cast<std::size_t>(count);
  in_.added(bytes);
  // A short read has emptied the socket: the next edge tells. The end of the stream may already lie behind
  // it.
  if (bytes < room && !peer_closed_) readable_ = false;
  if (fresh || std::memchr(space, '\n', bytes) || in_.size() > limits_.request_line_bytes_max)
    parse_due_ = true;
  return true;
}

bool Connection::expect_more() {
  if (closed_ || (peer_closed_ && !readable_)) {
    closed_ = true;  // An unfinished request of a peer that sends no more needs no answer.
    return false;
  }
  if (in_.empty()) {
    thread_.warm.take_back(in_);
    thread_.warm.take_back(out_);
    deadline_ms_ = after(is_draining() ? drain_idle_max : limits_.idle_time_max);
  } else {
    const auto head_end = request_began_ms_ + limits_.head_time_max.count() + IoThread::tick_ms;
    deadline_ms_ = std::min(head_end, drain_end_ms_);
  }
  return true;
}

bool Connection::body_is_buffered() const {
  return !framing_.chunked && framing_.content_length <= in_.size() - framing_.head_bytes;
}

std::size_t Connection::body_limit(const Request& request, const Router::Match& match) const {
  if (match.options && match.options->body_limit) return match.options->body_limit(request);
  return match.options && match.options->body_bytes_max > 0 ? match.options->body_bytes_max
                                                            : limits_.body_bytes_max;
}

asio::awaitable<bool> Connection::read_body(std::size_t limit) {
  if (framing_.content_length > limit) {
    refusal_ = Refusal{Status::payload_too_large, "the body is too large"};
    co_return false;
  }
  const std::size_t head_bytes = framing_.head_bytes;
  if (waits_for_word()) out_.append("HTTP/1.1 100 Continue\r\n\r\n");
  if (!out_.empty()) {
    const bool sent = co_await flush();
    if (!sent) co_return false;
  }
  ChunkedDecoder decoder(limit);
  const bool chunked = framing_.chunked;
  const std::size_t whole = head_bytes + static_cast<std::size_t>(framing_.content_length);
  chunked_body_.clear();
  for (;;) {
    if (chunked) {
      std::size_t used = 0;
      const auto state = decoder.feed(in_.view().substr(head_bytes), chunked_body_, used);
      in_.cut(head_bytes, used);
      if (state == ChunkedDecoder::State::refused) {
        refusal_ = decoder.refusal();
        co_return false;
      }
      if (state == ChunkedDecoder::State::done) break;
    } else if (in_.size() >= whole) {
      break;
    }
    if (!charge_body()) {
      refusal_ = Refusal{Status::unavailable, "too many bodies are on their way; try again"};
      co_return false;
    }
    if (readable_ && receive()) continue;
    if (closed_ || (peer_closed_ && !readable_)) {
      if (waits_for_word() && chunked_body_.empty())
        closed_ = true;  // It only asked; there is nobody to tell.
      else
        refusal_ = Refusal{Status::bad_request, "the body ended early"};
      co_return false;
    }
    const auto body_end = request_began_ms_ + limits_.request_time_max.count() + IoThread::tick_ms;
    deadline_ms_ = std::min(body_end, drain_end_ms_);
    co_await wait(Waiting::read);
    if (wake_ == Wake::timeout) refusal_ = Refusal{Status::request_timeout, "the body took too long"};
    if (wake_ != Wake::ready) co_return false;
  }
  parse_due_ = true;
  const auto [asked_ahead, random] = std::pair(request_.asked_ahead, request_.random);
  if (parse() != HeadState::complete) co_return false;  // The buffer may have moved: take every view anew.
  request_.asked_ahead = asked_ahead;
  request_.random = random;
  co_return true;
}

bool Connection::charge_body() {
  const std::size_t held = in_.size() + chunked_body_.size();
  if (held <= charged_ + unfinished_bytes_free) return true;
  // In steps, so that a body is counted now and then, not with each packet.
  const std::size_t more = (held - charged_) / unfinished_bytes_free * unfinished_bytes_free;
  if (!thread_.shared().take_unfinished(peer_, more)) return false;
  charged_ += more;
  return true;
}

void Connection::consume(std::size_t bytes) {
  if (charged_ > 0) thread_.shared().give_back_unfinished(peer_, std::exchange(charged_, 0));
  in_.consume(bytes);
  if (chunked_body_.capacity() > kept_chunked_bytes) std::string().swap(chunked_body_);
  parse_due_ = !in_.empty();
  if (parse_due_) request_began_ms_ = thread_.now_ms();
}

}  // namespace market::http
