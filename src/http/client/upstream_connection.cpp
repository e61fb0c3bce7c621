#include "http/client/upstream_connection.hpp"

#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/steady_time.hpp"
#include "http/client/upstream.hpp"

namespace market::http {
namespace {

constexpr std::size_t read_bytes = 16 * 1024;           ///< Room for a batch of answers.
constexpr std::size_t buffered_bytes_max = 256 * 1024;  ///< Longer answers are passed on as they come.
constexpr std::int64_t stall_max_ns = 500'000'000;      ///< Then those behind go elsewhere.
constexpr std::int64_t keep_alive_margin_ms = 500;
constexpr int interim_answers_max = 8;                ///< 100, 103: of one request.
constexpr std::size_t kept_output_bytes = 64 * 1024;  ///< An idle connection keeps no more than this.

}  // namespace

UpstreamConnection::~UpstreamConnection() {
  if (fd_.get() >= 0) thread_.remove(place_);
}

UpstreamConnection::Begun UpstreamConnection::connect(const UpstreamAddress& address) {
  const auto trouble = [] {
    constexpr std::array shortages{EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN};
    const int error = errno;
    if (std::find(shortages.begin(), shortages.end(), error) == shortages.end()) return Begun::refused;
    spdlog::warn("no socket for an upstream: {}", std::strerror(error));
    return Begun::no_socket;
  };
  OwnedFd fd(::socket(address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return trouble();
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.socket);
  if (::connect(fd.get(), to, address.size) != 0 && errno != EINPROGRESS) return trouble();
  std::construct_at(&fd_, std::move(fd));
  place_ = thread_.add(*this, fd_.get());
  began_ms_ = idle_since_ms_ = thread_.now_ms();
  return Begun::yes;
}

void UpstreamConnection::connect_failed() {
  if (!owner_ || !owner_->on_connect_failed(turn_))
    return close(Outcome::not_connected, Outcome::not_connected);
  const auto self = shared_from_this();
  const auto calls = std::exchange(pending_, {});
  shut();
  owner_->on_closed(*this);
  for (const auto& pending : calls)
    if (pending.call && owner_) owner_->start(*pending.call);
}

void UpstreamConnection::send(Call& call) {
  sent_alone_ = pending_.empty();
  if (pending_.empty()) front_since_ns_ = steady_ns();
  pending_.push_back({&call, call.answers_head});
  lane_ = call.lane;
  idle_ms_max_ = call.idle_time.count();
  out_.append(call.head).append(call.body);
  if (state_ != State::open || flush_asked_) return;
  flush_asked_ = true;
  thread_.flush_soon(place_);
}

bool UpstreamConnection::is_alive() const {
  char byte;
  const auto count = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);  // Bytes nobody asked for, neither.
}

void UpstreamConnection::flush_held_back() {
  flush_asked_ = false;
  const auto self = shared_from_this();
  send_held_back();
}

void UpstreamConnection::send_held_back() {
  while (state_ == State::open && out_sent_ < out_.size()) {
    const auto count = ::send(fd_.get(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;  // epoll tells when there is room.
      peer_closed_ = readable_ = true;                      // An answer may have come before the end.
      if (!reading_ && !streaming_) read_answers();
      return;
    }
    out_sent_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  out_sent_ = 0;
  if (out_.capacity() > kept_output_bytes) std::string().swap(out_);
}

void UpstreamConnection::on_event(std::uint32_t events) {
  const auto self = shared_from_this();
  if (state_ == State::closed) return;
  if (state_ == State::connecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || (events & EPOLLERR) != 0) return connect_failed();
    state_ = State::open;
    send_held_back();
  } else if ((events & EPOLLOUT) != 0 && out_sent_ < out_.size() && !flush_asked_) {
    send_held_back();
  }
  if (state_ == State::closed) return;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = true;
  if (!readable_) return;
  if (streaming_)
    wake_stream();
  else
    read_answers();
}

// ---- answers ---------------------------------------------------------------------------------------------

UpstreamConnection::Received UpstreamConnection::receive() {
  in_.make_space(read_bytes);
  const auto room = in_.space_size();
  ssize_t count;
  do count = ::recv(fd_.get(), in_.space(), room, 0);
  while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    readable_ = false;
    return Received::nothing;
  }
  if (count < 0) return Received::failed;
  if (count == 0) return Received::end;
  const auto bytes = static_cast<std::size_t>(count);
  in_.added(bytes);
  if (bytes < room && !peer_closed_) readable_ = false;
  return Received::bytes;
}

void UpstreamConnection::read_answers() {
  if (reading_) return;
  reading_ = true;
  while (state_ == State::open) {
    while (read_answer()) {
    }
    if (state_ != State::open || streaming_ || !readable_) break;
    const auto received = receive();
    if (received == Received::nothing) break;
    if (received == Received::bytes) continue;
    close(Outcome::lost);  // With an answer begun or not: nothing of it was given away.
  }
  reading_ = false;
}

bool UpstreamConnection::read_answer() {
  if (state_ != State::open || streaming_ || in_.empty()) return false;
  // Nobody has asked yet: a late 408, or what belongs to a request before. What follows would be taken for
  // another's answer, too.
  if (pending_.empty() || nothing_has_left()) {
    close(Outcome::lost);
    return false;
  }
  static const HeadLimits limits{32 * 1024, 200, 8 * 1024};
  std::string_view problem;
  const auto state = parse_response_head(in_.view(), limits, pending_.front().answers_head, head_, problem);
  if (state == HeadState::incomplete) return false;
  if (state == HeadState::refused) {
    close(Outcome::malformed, Outcome::lost, problem);
    return false;
  }
  if (head_.status == 100 && pending_.front().call && pending_.front().call->asks) {
    close(Outcome::continued);
    return false;
  }
  if (head_.is_interim()) {
    in_.consume(head_.head_bytes);
    if (++interim_answers_ <= interim_answers_max) return true;
    close(Outcome::malformed, Outcome::lost, "too many interim answers");
    return false;
  }
  if (Call* const call = pending_.front().call; call && !is_answer_to(*call)) return false;
  return read_body(pending_.front());
}

bool UpstreamConnection::is_answer_to(const Call& call) {
  if (!owner_ || call.request_id.empty() || owner_->fits(call.request_id, head_.request_id, sent_alone_))
    return true;
  constexpr std::array unread{400, 413, 414, 431};
  if (!head_.keep_alive && std::find(unread.begin(), unread.end(), head_.status) != unread.end())
    close(Outcome::refused, Outcome::not_processed);  // Its words may be anybody's: only the status counts.
  else
    close(Outcome::mismatched);
  return false;
}

bool UpstreamConnection::read_body(Pending& pending) {
  if (head_.status == 101) {
    if (!pending.call || !pending.call->upgrade) {
      close(Outcome::malformed, Outcome::lost, "a switch of protocols nobody asked for");
      return false;
    }
    Call& call = *pending.call;
    call.stream = std::make_shared<AnswerStream>(shared_from_this());
    call.response = &head_;
    streaming_ = true;
    pending_.clear();
    complete(call, Outcome::upgraded);
    return false;
  }
  const auto body = in_.view().substr(head_.head_bytes);
  switch (head_.body) {
    case BodyEnd::no_body:
      return deliver(head_.head_bytes, {});
    case BodyEnd::length:
      if (head_.content_length > buffered_bytes_max) break;
      if (body.size() < head_.content_length) return false;
      return deliver(head_.head_bytes + static_cast<std::size_t>(head_.content_length),
                     body.substr(0, static_cast<std::size_t>(head_.content_length)));
    case BodyEnd::chunked: {
      ChunkedDecoder decoder(buffered_bytes_max);
      std::size_t used = 0;
      decoded_.clear();
      const auto state = decoder.feed(body, decoded_, used);
      if (state == ChunkedDecoder::State::done) return deliver(head_.head_bytes + used, decoded_);
      break;  // Not whole yet, or long, or wrong: the stream finds out.
    }
    case BodyEnd::close:
      break;
  }
  if (!pending.call) {  // Its asker is gone, and so is the use of this connection.
    close(Outcome::lost);
    return false;
  }
  start_stream(pending);
  return false;
}

bool UpstreamConnection::deliver(std::size_t used, std::string_view body) {
  const Pending pending = pending_.front();
  pending_.pop_front();
  interim_answers_ = 0;
  const auto now = steady_ns();
  if (owner_) owner_->on_answer(lane_, now - front_since_ns_, now);
  front_since_ns_ = now;
  has_answered_ = true;
  note_keep_alive();
  // What is left of its body would still have to be sent, and the instance may be done with it.
  const bool unsent = pending_.empty() && out_sent_ < out_.size();
  const bool last = !head_.keep_alive || unsent || (pending.call && pending.call->asks);
  if (last) state_ = State::ending;
  if (head_.independent && owner_) owner_->on_independent();
  if (pending.call) {
    pending.call->response = &head_;
    pending.call->response_body = body;
    complete(*pending.call, Outcome::answered);  // Its coroutine runs on from here.
  }
  if (state_ == State::closed) return false;
  in_.consume(used);
  if (last) {
    close(Outcome::not_processed, Outcome::not_processed);
    return false;
  }
  if (!pending_.empty()) return true;
  stalled_ = false;
  if (!in_.empty()) {
    close(Outcome::lost);
    return false;
  }
  idle_since_ms_ = thread_.now_ms();
  if (owner_) owner_->on_idle(*this);
  return false;
}

// ---- ends ------------------------------------------------------------------------------------------------

void UpstreamConnection::tick(std::int64_t now_ms, std::int64_t connect_time_max_ms) {
  if (state_ == State::connecting && now_ms - began_ms_ > connect_time_max_ms) return connect_failed();
  if (streaming_ && stream_time_max_ms_ > 0 && now_ms - stream_progress_ms_ > stream_time_max_ms_ &&
      stream_waiter_) {
    stream_broken_ = true;
    return wake_stream();
  }
  if (pending_.empty()) return;
  if (const Call* first = pending_.front().call; !first || first->deadline_ms <= now_ms) {
    if (state_ == State::connecting && owner_) owner_->on_connect_failed(turn_);  // Others try another one.
    return close(Outcome::timed_out);
  }
  std::vector<Call*> late;
  for (auto& pending : pending_) {
    if (!pending.call || pending.call->deadline_ms > now_ms) continue;
    late.push_back(std::exchange(pending.call, nullptr));
  }
  for (Call* call : late) complete(*call, Outcome::timed_out);
  release_stalled();
}

/// Closed by the other side a moment later than it says: what is sent by then would be lost.
void UpstreamConnection::note_keep_alive() {
  if (head_.keep_alive_seconds < 0) return;
  kept_ms_ = std::max<std::int64_t>(head_.keep_alive_seconds * 1'000 - keep_alive_margin_ms, 0);
}

void UpstreamConnection::release_stalled() {
  if (pending_.size() < 2 || state_ != State::open || streaming_ || !owner_) return;
  const auto now = steady_ns();
  if (now - front_since_ns_ < stall_max_ns) return;
  // What is worked on together waits for the same: when all are slow, going elsewhere would only add to it.
  if (lane_ == Lane::keyed && !owner_->has_answered_since(lane_, now - stall_max_ns / 2)) return;
  owner_->on_stalled(lane_);
  stalled_ = true;
  std::vector<Call*> behind;
  for (std::size_t i = 1; i < pending_.size(); ++i)
    if (pending_[i].call) behind.push_back(std::exchange(pending_[i].call, nullptr));
  for (Call* call : behind) complete(*call, Outcome::stalled);
}

void UpstreamConnection::complete(Call& call, Outcome outcome) {
  call.outcome = outcome;
  CallWaiter waiter = std::move(*call.waiter);
  call.waiter.reset();
  std::move(waiter)();
}

void UpstreamConnection::shut() {
  state_ = State::closed;
  if (fd_.get() < 0) return;
  thread_.remove(place_);
  const OwnedFd closing(fd_.release());
}

void UpstreamConnection::close(Outcome outcome, Outcome behind, std::string_view problem) {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();
  if (outcome == Outcome::lost && nothing_has_left()) outcome = Outcome::not_processed;
  const bool stale = has_answered_ && outcome == Outcome::lost && in_.empty();
  shut();
  if (owner_) owner_->on_closed(*this);
  bool first = true;
  for (const auto& pending : std::exchange(pending_, {})) {
    if (pending.call) {
      pending.call->status = head_.status;
      pending.call->stale = stale;
      pending.call->problem = first ? problem : std::string_view();
      complete(*pending.call, first ? outcome : behind);
    }
    first = false;
  }
  if (streaming_) {
    stream_broken_ = true;
    wake_stream();
  }
}

void UpstreamConnection::forget_calls() {
  owner_ = nullptr;
  for (const auto& pending : std::exchange(pending_, {})) {
    if (!pending.call) continue;
    const CallWaiter dropped = std::move(*pending.call->waiter);  // Ends the frame that holds the call.
  }
  if (stream_waiter_) {
    const CallWaiter dropped = std::move(*stream_waiter_);
    stream_waiter_.reset();
  }
  if (state_ != State::closed) shut();
}

}  // namespace market::http
