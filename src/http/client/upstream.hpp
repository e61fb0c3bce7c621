#pragma once
/// The connections of one I/O thread to one instance, and of one thread to all of them.
///
///   Call call; call.head = …;
///   co_await upstreams_of(*IoThread::current()).at("10.0.0.1", 8081).exchange(call);

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <map>

#include "http/client/upstream_connection.hpp"
#include "http/message/allowed_addresses.hpp"

namespace market::http {

/// To one instance, from all threads together: less than the connections that it takes from one address. Of
/// answers that are passed on as they come, event streams and long ones, callers hold to their numbers.
inline constexpr std::size_t instance_connections_max = 512, instance_streams_max = 384,
                             instance_long_answers_max = 384;

struct UpstreamLimits {
  std::size_t connections_max = 256;  ///< To one instance, from one thread; those set apart not counted.
  std::size_t depth_max = 32;         ///< Requests under way on one connection.
  std::size_t waiting_max = 1024;     ///< For a connection to one instance, on one thread.
  std::chrono::milliseconds connect_time_max{2'000};
  std::chrono::milliseconds event_silence_max{90'000};  ///< Of an event stream; ours say something each 15 s.
};

class Upstream {
 public:
  /// `allowed`: what a host's name may mean; null: anything. `address`: literal, for a name that does not
  /// resolve; may be empty.
  Upstream(IoThread& thread, std::string host, std::uint16_t port, const UpstreamLimits& limits,
           const AllowedAddresses* allowed = nullptr, std::string address = {});
  ~Upstream();

  /// Sends the call and waits; call.outcome says what became of it.
  auto exchange(Call& call) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, &call](auto handler) {
          call.waiter.emplace(std::move(handler));
          start(call);
        },
        asio::use_awaitable);
  }

  std::size_t connection_count() const { return connections_.size(); }
  bool is_unused() const { return connections_.empty() && waiting_.empty() && !resolving_; }
  void tick(std::int64_t now_ms);

  // For its connections.
  const UpstreamLimits& limits() const { return limits_; }
  /// A call was taken from a connection that will not carry it out.
  void start(Call& call);
  void on_idle(UpstreamConnection& connection);
  void on_closed(UpstreamConnection& connection);
  /// Whether an answer with these ids can be the one for the request asked. An instance that has repeated an
  /// id once does so always: whatever else comes from it is not the answer. It may leave it out (a proxy of
  /// its own answers in its place) where the request was `alone` on its connection.
  bool fits(std::string_view asked, std::string_view answered, bool alone);
  /// The instance works on the requests of one connection concurrently.
  void on_independent() { concurrent_ = true; }
  /// One of this lane held up those behind it: nobody stands in line until answers are fast again.
  void on_stalled(Lane lane);
  /// An answer has begun on it that lasts as long as its reader likes: until its end it takes no connection
  /// from other requests. How many there may be is its caller's to say.
  void set_apart(UpstreamConnection& connection);
  /// At the address of that turn. True: there is another one to try.
  bool on_connect_failed(std::uint32_t turn);
  /// An answer that waited for `nanoseconds` at the front of its lane.
  void on_answer(Lane lane, std::int64_t nanoseconds, std::int64_t now_ns);
  /// Whether others of this lane got answers since then: the instance works.
  bool has_answered_since(Lane lane, std::int64_t since_ns) const;

 private:
  UpstreamConnection* connection_for(const Call& call);
  /// What one lane knows of itself.
  struct Sharing {
    std::vector<UpstreamConnection*> connections;  ///< With calls of this lane under way.
    std::size_t next = 0;
    /// Moving mean of how long an answer takes once it is its turn; 0: nobody knows yet.
    std::int64_t answer_ns = 0;
    std::int64_t answered_at_ns = 0;
  };
  Sharing& of(Lane lane) { return sharing_[static_cast<std::size_t>(lane)]; }

  UpstreamConnection* sharing(Sharing& lane, std::size_t depth_below);
  UpstreamConnection* idle(const Call& call);
  UpstreamConnection* idle_or_new(const Call& call);
  void take_back(UpstreamConnection& connection);
  UpstreamConnection* open();
  void send(UpstreamConnection& connection, Call& call);
  void start_waiting();
  void start_waiting_soon();
  void resolve();
  /// The literal address, which is tried last, if it may be.
  void add_fallback_address();
  void next_address();
  void fail_waiting(Outcome outcome);

  IoThread& thread_;
  std::string host_, fallback_address_;
  std::uint16_t port_;
  UpstreamLimits limits_;
  const AllowedAddresses* allowed_;
  std::vector<std::shared_ptr<UpstreamConnection>> connections_;
  std::vector<UpstreamConnection*> idle_;
  std::array<Sharing, shared_lanes> sharing_;
  std::deque<Call*> waiting_;
  std::int64_t share_again_ms_ = 0;
  /// What the host's name means, the one in use first; those before it did not answer. Empty: not known.
  std::vector<UpstreamAddress> addresses_;
  std::uint32_t turn_ = 0;  ///< Counts the moves to another one.
  bool resolving_ = false, starting_ = false;
  enum class Ids : std::uint8_t { unknown, repeated, its_own };
  Ids ids_ = Ids::unknown;
  bool concurrent_ = false;  ///< HTTP pipelining, with the requests of one connection worked on at once.
  std::size_t apart_ = 0;    ///< Of the connections.
  bool refused_ = false;     ///< The newest try to connect, at each address.
  bool no_socket_ = false;   ///< For the newest try: see UpstreamConnection::Begun.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// What one thread keeps: IoThread::part.
class Upstreams final : public IoThread::Part {
 public:
  Upstreams(IoThread& thread, const UpstreamLimits& limits) : thread_(thread), limits_(limits) {}
  /// `allowed` outlives this: what a host's name may mean; null: anything, for hosts of the operator.
  Upstream& at(const std::string& host, std::uint16_t port, const AllowedAddresses* allowed = nullptr,
               const std::string& address = {});
  void tick(std::int64_t now_ms) override;
  std::size_t connection_count() const;

 private:
  IoThread& thread_;
  UpstreamLimits limits_;
  using Key = std::tuple<std::string, std::uint16_t, const AllowedAddresses*, std::string>;
  std::map<Key, std::unique_ptr<Upstream>> upstreams_;
};

/// Each thread's part of what one instance gets from all of them.
UpstreamLimits limits_for(std::size_t threads);

/// Made at the first call on a thread.
Upstreams& upstreams_of(IoThread& thread);

}  // namespace market::http
