// The streaming half of an upstream connection: long answers and event streams, passed on as they come.

#include <boost/asio/this_coro.hpp>
#include <limits>

#include "http/client/upstream.hpp"
#include "http/message/ascii.hpp"

namespace market::http {
namespace {

bool is_event_stream(const ResponseHead& head) {
  constexpr std::string_view type = "text/event-stream";
  return same_letters(head.header("content-type").substr(0, type.size()), type);
}

}  // namespace

void UpstreamConnection::start_stream(Pending& pending) {
  Call& call = *pending.call;
  streaming_ = true;
  has_answered_ = true;
  interim_answers_ = 0;
  note_keep_alive();
  stream_ended_ = stream_broken_ = stream_aborted_ = false;
  stream_end_ = head_.body;
  stream_left_ = head_.content_length;
  stream_decoder_.reset();
  if (stream_end_ == BodyEnd::chunked) stream_decoder_.emplace(std::numeric_limits<std::size_t>::max());
  // One whose instance has frozen must end, too: its readers come back, and meet another instance.
  const bool events = is_event_stream(head_) && owner_;
  stream_time_max_ms_ = (events ? owner_->limits().event_silence_max : stream_pause_max).count();
  stream_progress_ms_ = thread_.now_ms();
  pending_.pop_front();
  // Nobody can say how long this takes: those behind it go elsewhere. They are safe to repeat, or they would
  // not stand here. The instance will answer them here all the same, so nobody else may come after them.
  stream_is_last_ = !pending_.empty();
  for (const auto& waiting : std::exchange(pending_, {}))
    if (waiting.call && owner_) owner_->start(*waiting.call);
  if (owner_) owner_->set_apart(*this);
  call.stream = std::make_shared<AnswerStream>(shared_from_this());
  call.response = &head_;
  stream_head_bytes_ = head_.head_bytes;  // The head stays until the body is asked for.
  complete(call, Outcome::streamed);
}

bool UpstreamConnection::decode_piece(std::string& piece) {
  if (stream_end_ == BodyEnd::chunked) {
    std::size_t used = 0;
    const auto state = stream_decoder_->feed(in_.view(), piece, used);
    in_.consume(used);
    if (state == ChunkedDecoder::State::refused) stream_broken_ = true;
    return state == ChunkedDecoder::State::done;
  }
  auto bytes = in_.view();
  if (stream_end_ == BodyEnd::length)
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), stream_left_)));
  piece.append(bytes);
  stream_left_ -= stream_end_ == BodyEnd::length ? bytes.size() : 0;
  in_.consume(bytes.size());
  return stream_end_ == BodyEnd::length && stream_left_ == 0;
}

Task<std::string> UpstreamConnection::next_piece() {
  const auto self = shared_from_this();
  in_.consume(std::exchange(stream_head_bytes_, 0));
  std::string piece;
  while (!stream_ended_) {
    // Who is called away leaves the stream as it is: another may read on.
    if (stream_broken_ || std::exchange(stream_aborted_, false))
      co_return fail(Code::unavailable, "the answer broke off");
    if (decode_piece(piece)) {
      finish_stream();
      break;
    }
    if (!piece.empty()) break;
    if (stream_broken_) continue;
    const auto received = readable_ ? receive() : Received::nothing;
    if (received == Received::bytes) {
      stream_progress_ms_ = thread_.now_ms();
    } else if (received == Received::nothing) {
      co_await wait_for_stream();
      auto cancellation = co_await asio::this_coro::cancellation_state;
      cancellation.slot().clear();  // What befalls its reader later is not the stream's: another may read on.
    } else if (received == Received::end && stream_end_ == BodyEnd::close) {
      finish_stream();
    } else {
      stream_broken_ = true;
    }
  }
  co_return piece;
}

void UpstreamConnection::finish_stream() {
  stream_ended_ = true;
  streaming_ = false;
  const bool unsent = out_sent_ < out_.size();
  if (!head_.keep_alive || stream_is_last_ || unsent || !in_.empty() || stream_end_ == BodyEnd::close)
    return close(Outcome::lost);
  idle_since_ms_ = thread_.now_ms();
  if (owner_) owner_->on_idle(*this);
}

void UpstreamConnection::end_stream() {
  if (stream_ended_ || state_ == State::closed) return;
  streaming_ = false;
  close(Outcome::lost);
}

void UpstreamConnection::wake_stream() {
  if (!stream_waiter_) return;
  CallWaiter waiter = std::move(*stream_waiter_);
  stream_waiter_.reset();
  std::move(waiter)();
}

OwnedFd UpstreamConnection::take_socket(std::string& leftover) {
  leftover.assign(in_.view().substr(head_.head_bytes));
  OwnedFd taken(fd_.release());
  thread_.release(place_, taken.get());
  state_ = State::closed;
  streaming_ = false;
  stream_ended_ = true;
  if (owner_) owner_->on_closed(*this);
  return taken;
}

AnswerStream::AnswerStream(std::shared_ptr<UpstreamConnection> connection)
    : connection_(std::move(connection)) {}
AnswerStream::~AnswerStream() {
  connection_->end_stream();
}
Task<std::string> AnswerStream::next() {
  return connection_->next_piece();
}

}  // namespace market::http
