#pragma once
/// One connection: reads requests, asks the router, writes the replies in order, keeps every deadline.

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "http/head_parser.hpp"
#include "http/io_thread.hpp"
#include "http/read_buffer.hpp"
#include "http/trace.hpp"

namespace market::http {

class Session {
 public:
  static void start(IoThread& thread, OwnedFd fd, const Peer& peer);
  ~Session();

  // Called by the thread.
  void on_event(std::uint32_t events);
  void on_deadline();
  void on_drain();
  /// The drain's time is over.
  void abandon();
  void flush_held_back();
  std::int64_t deadline_ms() const { return deadline_ms_; }

 private:
  friend class SessionStream;
  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();
  enum class Waiting : std::uint8_t { nothing, read, write };
  enum class Wake : std::uint8_t { ready, timeout, closing };
  enum class Sent : std::uint8_t { all, blocked, failed };
  using Waiter = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

  Session(IoThread& thread, OwnedFd fd, const Peer& peer);
  static asio::awaitable<void> serve(std::unique_ptr<Session> self);

  // Reading.
  HeadState parse();
  bool receive();                ///< True: bytes came. False: none now, or `closed_`.
  asio::awaitable<bool> more();  ///< True: parse again. False: end, an answer may be held in `refusal_`.
  asio::awaitable<bool> read_body(std::size_t limit);
  bool body_is_buffered() const;
  void consume();

  // Answering.
  std::size_t body_limit(const Router::Match& match) const;
  std::optional<Reply> answer_without_handler(const Router::Match& match);
  Reply answer_of(Result<Reply> answer);
  void write_reply(Reply& reply);
  void refuse(const Refusal& refusal);
  asio::awaitable<void> run_stream(Reply reply);

  // Writing.
  Sent send_some();
  asio::awaitable<bool> flush();
  asio::awaitable<void> linger();

  auto wait(Waiting what) {
    waiting_ = what;
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler) { waiter_.emplace(std::move(handler)); }, asio::use_awaitable);
  }
  void resume(Wake why);
  std::int64_t after(std::chrono::milliseconds limit) const {
    return thread_.now_ms() + limit.count() + IoThread::tick_ms;  // Never early, though the clock is coarse.
  }

  IoThread& thread_;
  const Limits& limits_;
  OwnedFd fd_;
  std::uint32_t place_ = 0;
  Peer peer_;
  std::shared_ptr<asio::cancellation_signal> cancel_;
  std::optional<Waiter> waiter_;
  std::int64_t deadline_ms_ = no_deadline;
  std::int64_t request_began_ms_ = 0;
  Waiting waiting_ = Waiting::nothing;
  Wake wake_ = Wake::ready;
  bool readable_ = true;      ///< The socket may have bytes: set by epoll's edge, cleared by a short read.
  bool peer_closed_ = false;  ///< The peer sends no more.
  bool closed_ = false;       ///< Nothing more can be read or written.
  bool streaming_ = false;
  bool parse_due_ = false;  ///< New bytes may complete a head.
  bool must_close_ = false;
  bool flush_asked_ = false;
  bool abandoned_ = false;

  ReadBuffer in_;
  Request request_;
  Framing framing_;
  std::optional<Refusal> refusal_;
  TraceContext trace_;
  std::string chunked_body_;
  std::string out_;
  std::size_t out_sent_ = 0;
  std::string_view tail_;  ///< A big body behind `out_`, not copied into it.
};

}  // namespace market::http
