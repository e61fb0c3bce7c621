#pragma once
/// One connection: reads requests, asks the router, writes the replies in order, keeps every deadline.

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "http/head_parser.hpp"
#include "http/io_thread.hpp"
#include "http/read_buffer.hpp"
#include "http/trace.hpp"
#include "http/watched.hpp"

namespace market::http {

class Session final : public Watched {
 public:
  static void start(IoThread& thread, OwnedFd fd, const Peer& peer);
  ~Session();

  // Called by the thread.
  void on_event(std::uint32_t events) override;
  void on_deadline() override;
  void on_drain() override;
  void abandon() override;
  void flush_held_back() override;

 private:
  friend class SessionStream;
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
  /// True: the stream is whole and the connection lives on.
  asio::awaitable<bool> run_stream(Reply reply);
  /// The sockets of both sides become one pipe; this session is over.
  void start_tunnel(TunnelEnd& other);

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
  bool is_draining() const { return thread_.shared().draining.load(std::memory_order_relaxed); }
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
  bool given_away_ = false;  ///< The socket is a tunnel's now.

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
