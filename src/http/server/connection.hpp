#pragma once
/// One connection: reads requests, asks the router, writes the replies in order, keeps every deadline.

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/steady_time.hpp"
#include "http/message/head_parser.hpp"
#include "http/message/trace.hpp"
#include "http/server/io_thread.hpp"
#include "http/server/read_buffer.hpp"
#include "http/server/watched.hpp"

namespace market::http {

struct RequestRecord;

class Connection final : public Watched {
 public:
  static void start(IoThread& thread, OwnedFd fd, const Peer& peer);
  ~Connection();

  // Called by the thread.
  void on_event(std::uint32_t events) override;
  void on_deadline() override;
  void on_drain() override;
  void abandon() override;
  void flush_held_back() override;

 private:
  friend class ConnectionStream;
  enum class Waiting : std::uint8_t { nothing, read, write, handlers };
  enum class Wake : std::uint8_t { ready, timeout, closing };
  enum class Sent : std::uint8_t { all, blocked, failed };
  static constexpr std::size_t held_bytes_max =
      64 * 1024;  ///< Pipelined answers that may wait for one write.
  static constexpr std::size_t unfinished_bytes_free =
      16 * 1024;  ///< Of a connection; also the step of counting.
  using Waiter = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

  Connection(IoThread& thread, OwnedFd fd, const Peer& peer);
  static asio::awaitable<void> serve(std::unique_ptr<Connection> self);

  // Reading.
  HeadLimits head_limits() const;
  HeadState parse();
  bool receive();  ///< True: bytes came. False: none now, or `closed_`.
  /// Sets the deadline of what comes next; false: nothing will come.
  bool expect_more();
  asio::awaitable<bool> read_body(std::size_t limit);
  bool body_is_buffered() const;
  bool is_worth_judging_early() const;
  /// The client sends its body when it is told to.
  bool waits_for_word() const { return framing_.expect_continue && in_.size() == framing_.head_bytes; }
  /// Reads on to the end of a head that was refused, for its Origin.
  asio::awaitable<void> read_refused_head();
  /// Ids, and whose request it is.
  void set_origin(Request& request, TraceContext& trace);
  std::size_t message_bytes() const {
    return framing_.head_bytes + (framing_.chunked ? 0 : static_cast<std::size_t>(framing_.content_length));
  }
  void consume(std::size_t bytes);
  /// Counts what the unfinished request holds. False: there is no room for it.
  bool charge_body();

  // Independent requests that a gateway has sent: worked on together, answered in turn.
  struct Pipelined {
    std::string bytes;
    Request request;
    Framing framing;
    TraceContext trace;
    std::int64_t began_ns = 0;
    std::size_t charged = 0;  ///< Of its bytes, as unfinished.
    Router::Match match;
    std::optional<Reply> reply;
  };
  static bool is_independent(const Request& request, const Framing& framing);
  std::unique_ptr<Pipelined> take_pipelined();
  /// False: there is no room for it beside those under way.
  bool charge_pipelined(Pipelined& one, std::size_t bytes);
  void end_pipelined(const Pipelined& one);
  static asio::awaitable<Reply> work_on(const Handler& handler, const Request& request, std::uint64_t id);
  void begin(Pipelined& one);
  /// False: the connection is over.
  asio::awaitable<bool> serve_pipelined(std::unique_ptr<Pipelined> first);

  // Answering.
  std::size_t body_limit(const Request& request, const Router::Match& match) const;
  /// `has_body`: there is one, here already or on its way.
  std::optional<Reply> answer_without_handler(Request& request, const Router::Match& match, bool has_body);
  /// What the head alone decides, before a body is read that is on its way.
  std::optional<Reply> answer_by_head(const Router::Match& match);
  asio::awaitable<std::optional<Reply>> judge_early(Router::Match match);
  /// Makes a 304 of a reply whose tag the request names. True: the 200 would have been compressed.
  bool answer_conditionally(Reply& reply) const;
  static Reply answer_of(Result<Reply> answer, const Request& request);
  static Reply answer_of(const std::exception& failure, const Request& request);
  void write_reply(Reply& reply);
  /// For the access_log.
  void count(Status status) { thread_.count(request_.route_index, status, steady_ns() - began_ns_); }
  RequestRecord record_of(const Reply& reply);
  void note(AccessLog& access_log, const Reply& reply);
  /// Of what was not understood, or came too late: by its sender and the answer alone.
  void note_refused(AccessLog& access_log, const Reply& reply);
  void refuse(const Refusal& refusal);
  /// An event stream needs a place of its own; without one the reply says so instead.
  void expect_stream_place(Reply& reply);
  /// True: the stream is whole and the connection lives on.
  asio::awaitable<bool> run_stream(Reply reply);
  /// The sockets of both sides become one pipe; this session is over.
  void start_tunnel(TunnelEnd& other);

  // Writing.
  /// More is buffered: it is answered first, and all leaves in one write.
  void hold_back();
  Sent send_some();
  asio::awaitable<bool> flush();
  asio::awaitable<void> linger();
  enum class Discarded : std::uint8_t { all, more, ended };
  Discarded discard_some();

  auto wait(Waiting what) {
    waiting_ = what;
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler) { waiter_.emplace(std::move(handler)); }, asio::use_awaitable);
  }
  void resume(Wake why);
  /// Of a stream: it goes on for as long as somebody reads it.
  bool is_endless() const { return has_stream_place_; }
  /// Such a one, when its reader has gone or we drain.
  bool is_unwanted() const { return is_endless() && (peer_closed_ || is_draining()); }
  bool is_draining() const { return thread_.shared().draining.load(std::memory_order_relaxed); }
  std::int64_t after(std::chrono::milliseconds limit) const {
    return thread_.now_ms() + limit.count() + IoThread::tick_ms;  // Never early, though the clock is coarse.
  }

  IoThread& thread_;
  const Limits& limits_;
  OwnedFd fd_;
  std::uint32_t place_ = 0;
  Peer peer_;
  std::uint64_t trusted_version_ = 0;  ///< Of the list that said whether the peer is trusted.
  std::uint64_t id_ = 0;               ///< Random: never another's, before or after.
  std::string name_;                   ///< Instead of an address that a trusted proxy does not tell.
  std::shared_ptr<asio::cancellation_signal> cancel_;
  std::optional<Waiter> waiter_;
  std::int64_t request_began_ms_ = 0;
  Waiting waiting_ = Waiting::nothing;
  Wake wake_ = Wake::ready;
  /// While the server stops: of a request that has begun and is not whole.
  std::int64_t drain_end_ms_ = no_deadline;
  bool readable_ = true;      ///< The socket may have bytes: set by epoll's edge, cleared by a short read.
  bool peer_closed_ = false;  ///< The peer sends no more.
  bool closed_ = false;       ///< Nothing more can be read or written.
  bool streaming_ = false;
  bool parse_due_ = false;  ///< New bytes may complete a head.
  bool must_close_ = false;
  bool flush_asked_ = false;
  bool abandoned_ = false;
  bool has_stream_place_ = false;       ///< Among the event streams, no longer among the connections.
  bool given_away_ = false;             ///< The socket is a tunnel's now.
  const Pipelined* awaited_ = nullptr;  ///< Whose answer is the next one.
  bool takes_more_ = false;             ///< What comes next may be worked on beside those under way.
  bool reads_pipelined_ = false;        ///< There is room for more of them.
  bool more_answers_ = false;           ///< Of requests already worked on: the connection cannot end yet.

  ReadBuffer in_;
  Request request_;
  Framing framing_;
  std::optional<Refusal> refusal_;
  TraceContext trace_;
  std::int64_t began_ns_ = 0;        ///< The newest request's head was whole.
  std::size_t charged_ = 0;          ///< Bytes of its body that count as unfinished.
  std::size_t pipelined_bytes_ = 0;  ///< Of requests that are worked on.
  std::string chunked_body_;
  std::string out_;
  std::size_t out_sent_ = 0;
  std::string_view tail_;  ///< A big body behind `out_`, not copied into it.
};

}  // namespace market::http
