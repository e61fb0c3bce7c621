#pragma once
/// One core's share of the server: its io_context, its connections, its clock tick and its counters.
///
/// Connections sit in an epoll set of their own, which Asio watches as one descriptor: a burst of ready
/// sockets then costs one pass through Asio, not one each (docs/decisions/0004-epoll-set-per-thread.md).

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/task_group.hpp"
#include "http/message/compression.hpp"
#include "http/message/reply_writer.hpp"
#include "http/message/trace.hpp"
#include "http/server/owned_fd.hpp"
#include "http/server/server.hpp"
#include "http/server/warm_buffers.hpp"

namespace market::http {

class IoThread;
class AccessLog;
class Watched;
struct TlsContext;

/// Whose connection it is: an IPv4 address, or the /64 of an IPv6 one.
struct Peer {
  std::array<unsigned char, 16> bucket{};
  std::array<char, 46> text{};
  bool loopback = false;
  bool tls = false;
  bool trusted = false;  ///< A trusted proxy.
  bool capped = true;    ///< No trusted proxy, which many clients share: the limits per address hold.
};

/// How much of something each peer has: open connections, bytes of bodies that are on their way. Not taken
/// per request.
class PeerCounts {
 public:
  /// False: `max` would be exceeded.
  bool take(const Peer& peer, std::size_t max, std::size_t amount = 1);
  void give_back(const Peer& peer, std::size_t amount = 1);

 private:
  struct Hash {
    std::size_t operator()(const std::array<unsigned char, 16>& bucket) const;
  };
  std::mutex mutex_;
  boost::unordered_flat_map<std::array<unsigned char, 16>, std::size_t, Hash> counts_;
};

/// What was answered on one route.
struct RouteTotals {
  static constexpr std::size_t status_count = 600;
  static constexpr std::size_t bucket_count = std::size(time_buckets) + 1;
  std::array<std::uint64_t, status_count> by_status{};
  std::array<std::uint64_t, bucket_count> by_time{};  ///< Not cumulated; the last: longer than all.
  std::uint64_t time_ns = 0;
};

/// What the threads of one server share.
struct ServerShared {
  ServerShared(const Router& routes, const Clock& time, const Limits& bounds)
      : router(routes),
        clock(time),
        limits(bounds),
        trusted(std::make_shared<const std::vector<Network>>(bounds.trusted_proxies)) {}

  const Router& router;
  const Clock& clock;
  const Limits limits;
  PeerCounts peers;
  PeerCounts unfinished_of_peers;          ///< Bytes of bodies that are on their way, by address,
  std::atomic<std::size_t> unfinished{0};  ///< and of all.
  std::atomic<std::uint64_t> open{0};      ///< Accepted and not yet closed.
  PeerCounts streams_of_peers;             ///< Connections that carry an event stream, by address,
  std::atomic<std::size_t> streams{0};     ///< and all.
  /// See Server::set_trusted_proxies(); the version changes after the list.
  std::atomic<std::shared_ptr<const std::vector<Network>>> trusted;
  std::atomic<std::uint64_t> trusted_version{1};
  std::atomic<bool> draining{false};
  /// Of new connections; null: they are plain.
  std::atomic<std::shared_ptr<TlsContext>> tls;
  std::vector<std::unique_ptr<IoThread>> threads;
  AccessLog* access_log = nullptr;                      ///< Null: nobody wants to know.
  std::function<void(const Request&, Reply&)> amend{};  ///< See Server::set_amend().

  /// Of all threads, by route.
  std::vector<RouteTotals> totals() const;
  /// Ends every thread's run().
  void stop_all();
  /// This connection carries an event stream from now on. False: too many do.
  bool take_stream(const Peer& peer);
  /// A connection is gone; the last one of a draining server ends it. `stream`: take_stream() let it in. Of a
  /// session within TLS only that it is no stream any more: the connection ends with its bridge.
  void connection_closed(const Peer& peer, bool stream = false);
  /// For bytes of a body that is on its way. False: there is no room for more of them.
  bool take_unfinished(const Peer& peer, std::size_t bytes);
  void give_back_unfinished(const Peer& peer, std::size_t bytes);
};

class IoThread {
 public:
  explicit IoThread(ServerShared& shared);
  ~IoThread();

  void run();
  /// The one whose run() called us; null elsewhere.
  static IoThread* current();
  asio::io_context& io() { return *io_; }
  ServerShared& shared() { return shared_; }

  // On this thread only, from here on.
  void start_session(OwnedFd fd, const Peer& peer);
  /// Names the socket to epoll; answers its place, for remove().
  std::uint32_t add(Watched& watched, int fd);
  void remove(std::uint32_t place);
  /// As remove(), for a socket that stays open and will be watched by another.
  void release(std::uint32_t place, int fd);
  /// Calls flush_held_back() of what is at `place`, once the ready ones have had their turn.
  void flush_soon(std::uint32_t place);
  void drain();

  /// Milliseconds of the monotonic clock at the last tick: coarse on purpose, so that it costs nothing.
  std::int64_t now_ms() const { return now_ms_; }
  static constexpr std::int64_t tick_ms = 250;
  /// `took_ns`: from the head's last byte to the answer; negative: not known.
  void count(std::size_t route, Status status, std::int64_t took_ns);
  /// Whose X-Forwarded-For is believed now, and since which change of the list.
  const std::vector<Network>& trusted_proxies();
  std::uint64_t trusted_version() const { return trusted_version_; }
  /// Any thread: adds this thread's counters to `totals`, by route.
  void add_counts(std::vector<RouteTotals>& totals) const;

  StandardLines standard;
  TraceIds ids;
  /// The connection whose request a handler begins to work on, by a name that no other has, before or after.
  std::uint64_t serving = 0;
  GzipCache gzip_cache;
  TaskGroup tasks{"a TLS connection"};
  WarmBuffers warm;

  /// What others keep on this thread: connections to upstreams. Ends before the sessions do.
  class Part {
   public:
    virtual ~Part() = default;
    virtual void tick(std::int64_t now_ms) = 0;
  };
  std::unique_ptr<Part> part;

 private:
  using Counter = std::atomic<std::uint64_t>;
  struct Counters {
    std::array<Counter, RouteTotals::status_count> by_status;
    std::array<Counter, RouteTotals::bucket_count> by_time;
    Counter time_ns{0};
  };
  struct Place {
    Watched* watched = nullptr;
    std::uint32_t generation = 0;
  };

  void wait_for_sockets();
  void serve_ready_sockets();
  void tick();
  void schedule_tick();
  void flush_pending();
  void give_memory_back();

  ServerShared& shared_;
  std::unique_ptr<asio::io_context> io_;
  int epoll_fd_ = -1;
  std::unique_ptr<asio::posix::stream_descriptor> epoll_ready_;
  std::unique_ptr<asio::steady_timer> ticker_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_places_;
  std::vector<std::uint64_t> to_flush_;
  std::size_t open_peak_ = 0;
  std::shared_ptr<const std::vector<Network>> trusted_;
  std::uint64_t trusted_version_ = 0;
  std::int64_t now_ms_ = 0;
  std::int64_t drain_end_ms_ = 0;  ///< 0: not draining.
  /// One row per route, written by this thread alone.
  std::vector<std::unique_ptr<Counters>> counters_;
};

}  // namespace market::http
