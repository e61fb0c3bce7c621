#pragma once
/// One kept-alive connection to an instance. Requests of one loop turn leave in one write; answers are
/// matched in order. What cannot be matched for certain ends the connection.

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "http/client/response_parser.hpp"
#include "http/client/upstream_call.hpp"
#include "http/message/chunked.hpp"
#include "http/server/io_thread.hpp"
#include "http/server/read_buffer.hpp"
#include "http/server/watched.hpp"

namespace market::http {

class Upstream;

struct UpstreamAddress {
  sockaddr_storage socket{};
  socklen_t size = 0;
};

class UpstreamConnection final : public Watched, public std::enable_shared_from_this<UpstreamConnection> {
 public:
  /// `turn`: the owner's note of which of its addresses this one tries.
  UpstreamConnection(IoThread& thread, Upstream& owner, std::uint32_t turn)
      : thread_(thread), owner_(&owner), turn_(turn) {}
  ~UpstreamConnection();

  enum class Begun : std::uint8_t {
    yes,
    refused,    ///< At once: nobody listens there, or no way leads there.
    no_socket,  ///< This machine has no descriptor or port left: no fault of the other side.
  };
  Begun connect(const UpstreamAddress& address);
  void send(Call& call);

  std::size_t depth() const { return pending_.size(); }
  bool is_usable() const {
    return (state_ == State::connecting || state_ == State::open) && !streaming_ && !stalled_;
  }
  bool is_closed() const { return state_ == State::closed; }
  bool is_listed = false;  ///< The owner's note: among its sharing ones.
  /// Whether it may be used after this pause: the other side has announced when it closes it, or is likely to
  /// keep it for that long.
  bool is_fresh(std::int64_t now_ms, std::int64_t idle_ms_max) const {
    return now_ms - idle_since_ms_ < std::min(idle_ms_max, kept_ms_);
  }
  bool is_old(std::int64_t now_ms) const { return !is_fresh(now_ms, idle_ms_max_); }
  /// Asks the socket itself: the loop may not have heard yet that the other side has closed it.
  bool is_alive() const;
  bool is_apart = false;  ///< The owner's note: it takes no connection from other requests.

  // For the owner.
  void tick(std::int64_t now_ms, std::int64_t connect_time_max_ms);
  void close_idle() { close(Outcome::lost); }
  /// The thread ends: nobody is told any more.
  void forget_calls();

  // For AnswerStream.
  Task<std::string> next_piece();
  void end_stream();
  /// After `upgraded`: the socket, and what came behind the answer's head.
  OwnedFd take_socket(std::string& leftover);

  void on_event(std::uint32_t events) override;
  void flush_held_back() override;

 private:
  enum class State : std::uint8_t { connecting, open, ending, closed };
  static constexpr std::chrono::milliseconds stream_pause_max{60'000};  ///< Of all but event streams.
  enum class Received : std::uint8_t { bytes, nothing, end, failed };
  struct Pending {
    Call* call;  ///< Null: its asker has given up; the answer is thrown away.
    bool answers_head;
  };

  Received receive();
  void read_answers();
  /// False: more bytes are needed, or the connection has ended.
  bool read_answer();
  /// False: it is no answer to the first one that waits, and the connection has ended.
  bool is_answer_to(const Call& call);
  bool read_body(Pending& pending);
  bool deliver(std::size_t used, std::string_view body);
  void start_stream(Pending& pending);
  /// True: the body's end was in it.
  bool decode_piece(std::string& piece);
  void finish_stream();
  void send_held_back();
  void complete(Call& call, Outcome outcome);
  /// The first waiting call ends with `outcome`, those behind it with `behind`.
  /// Of the one request that waits not a byte was sent: it was certainly not done, and not answered.
  bool nothing_has_left() const { return pending_.size() == 1 && out_sent_ == 0 && !out_.empty(); }
  void close(Outcome outcome, Outcome behind = Outcome::lost, std::string_view problem = {});
  void shut();
  /// Its calls go to the owner's next address, if there is one.
  void connect_failed();
  void note_keep_alive();
  /// One that takes long must not hold up those behind it for as long.
  void release_stalled();
  void wake_stream();

  auto wait_for_stream() {
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler) {
          auto slot = asio::get_associated_cancellation_slot(handler);
          if (slot.is_connected()) {
            slot.assign([self = weak_from_this()](asio::cancellation_type) {
              const auto connection = self.lock();
              if (!connection) return;
              connection->stream_aborted_ = true;
              asio::post(connection->thread_.io(), [connection] { connection->wake_stream(); });
            });
          }
          stream_waiter_.emplace(std::move(handler));
        },
        asio::use_awaitable);
  }

  IoThread& thread_;
  Upstream* owner_;  ///< Null once the owner is gone.
  const std::uint32_t turn_;
  OwnedFd fd_;
  std::uint32_t place_ = 0;
  State state_ = State::connecting;
  bool readable_ = false;
  bool stalled_ = false;     ///< The front one takes long: nobody else may line up.
  Lane lane_ = Lane::alone;  ///< Of those under way.
  bool flush_asked_ = false;
  bool peer_closed_ = false;
  bool reading_ = false;  ///< read_answers() is on the stack: a resumed caller may come back here.
  std::int64_t began_ms_ = 0, idle_since_ms_ = 0;
  std::int64_t idle_ms_max_ = 0;                                     ///< As the newest call says.
  std::int64_t kept_ms_ = std::numeric_limits<std::int64_t>::max();  ///< As its Keep-Alive says.
  bool has_answered_ = false;
  bool sent_alone_ = false;  ///< Nothing was under way before the newest request: nothing else can answer it.
  std::int64_t front_since_ns_ = 0;
  int interim_answers_ = 0;

  std::deque<Pending> pending_;
  std::string out_;
  std::size_t out_sent_ = 0;
  ReadBuffer in_;
  ResponseHead head_;
  std::string decoded_;

  bool streaming_ = false, stream_aborted_ = false, stream_ended_ = false, stream_broken_ = false;
  bool stream_is_last_ = false;  ///< Behind it come answers that nobody waits for any more.
  BodyEnd stream_end_ = BodyEnd::no_body;
  std::size_t stream_head_bytes_ = 0;
  std::uint64_t stream_left_ = 0;
  std::int64_t stream_progress_ms_ = 0, stream_time_max_ms_ = 0;
  std::optional<ChunkedDecoder> stream_decoder_;
  std::optional<CallWaiter> stream_waiter_;
};

}  // namespace market::http
