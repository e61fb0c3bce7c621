#pragma once
/// The HTTP/1.1 server: one acceptor, one io_context per core, a connection lives on one core.
///
///   Server server(router, clock, limits);
///   server.listen("127.0.0.1", 8080);   // throws with one clear line when the address is taken
///   server.run(threads);                // returns after stop() has drained

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/time.hpp"
#include "http/message/client_address.hpp"
#include "http/server/router.hpp"

namespace market::http {

/// RELIABILITY.md 5; each is a line of docs/limits.md.
struct Limits {
  std::size_t head_bytes_max = 16 * 1024;
  std::size_t head_fields_max = 100;
  std::size_t request_line_bytes_max = 8 * 1024;
  std::size_t body_bytes_max = 1024 * 1024;
  std::chrono::milliseconds head_time_max{10'000};     ///< First byte to end of head.
  std::chrono::milliseconds request_time_max{30'000};  ///< First byte to end of body.
  std::chrono::milliseconds idle_time_max{75'000};
  std::chrono::milliseconds send_time_max{30'000};  ///< Without progress of the peer.
  std::size_t send_buffer_bytes_max = 256 * 1024;
  std::size_t connections_per_address_max = 1000;  ///< 0: no cap.
  std::size_t connections_max = 50'000;
  /// Connections that carry an event stream leave the budgets of the others for these. 0: no bound here.
  std::size_t streams_per_address_max = 1'000;
  std::size_t streams_max = 20'000;
  std::chrono::milliseconds drain_time_max{10'000};
  /// Bytes of bodies that have come while the rest of them has not, or that are worked on: all, and of one
  /// address. The first `unfinished_bytes_free` of each connection are not counted.
  std::size_t unfinished_bytes_max = 256 * 1024 * 1024;
  std::size_t unfinished_bytes_per_address_max = 32 * 1024 * 1024;
  /// Whose X-Forwarded-For says who the client is; they have no cap of connections.
  std::vector<Network> trusted_proxies;
  /// They are gateways of ours, which pass on no X-Independent of their clients and write the security lines
  /// of an answer themselves. Any other proxy does neither.
  bool trusted_are_gateways = false;
  /// As those have no cap: whoever this says, where the handler looks up the client itself. Any thread.
  std::function<bool(std::string_view address)> is_uncapped;
};

/// How often each (route, status) was answered; read by /metrics.
struct RouteCount {
  std::string route;
  int status = 0;
  std::uint64_t count = 0;
};

/// Upper ends of the histogram of times.
inline constexpr std::chrono::nanoseconds time_buckets[] = {
    std::chrono::microseconds(100),   std::chrono::microseconds(500), std::chrono::milliseconds(1),
    std::chrono::microseconds(2'500), std::chrono::milliseconds(5),   std::chrono::milliseconds(10),
    std::chrono::milliseconds(25),    std::chrono::milliseconds(50),  std::chrono::milliseconds(100),
    std::chrono::milliseconds(250),   std::chrono::milliseconds(500), std::chrono::seconds(1),
    std::chrono::milliseconds(2'500), std::chrono::seconds(5),        std::chrono::seconds(10)};
/// How long the answers of a route took, from the head's last byte to the answer's first.
struct RouteTimes {
  std::string route;
  std::vector<std::uint64_t> at_most;  ///< How many took no longer than each of time_buckets; last: all.
  double seconds = 0;                  ///< Their sum.
};

class AccessLog;
struct TlsContext;

class Server {
 public:
  Server(const Router& router, const Clock& clock, Limits limits, unsigned threads);
  ~Server();

  /// Binds exclusively (no SO_REUSEPORT). Throws std::runtime_error with one clear line. Port 0: any.
  void listen(const std::string& host, std::uint16_t port);
  /// Takes over a listening socket from socket activation or a predecessor.
  void adopt(int listening_fd);
  /// All of them: systemd may hold several.
  std::vector<int> listening_fds() const;
  std::uint16_t port() const;
  /// Connections accepted from now on speak TLS; see load_tls() of tls.hpp. Any thread.
  void set_tls(std::shared_ptr<TlsContext> context);

  /// Who says rightly who asks, from now on, instead of the limits' trusted_proxies. Any thread.
  void set_trusted_proxies(std::vector<Network> networks);

  /// Serves until stop(), then drains: no new connections, requests under way are answered with
  /// `Connection: close`, idle connections are closed, streams end; at most drain_time_max. When it returns,
  /// no thread of the server runs any more; its contexts stay until the destructor, so that whoever still
  /// posts an answer to them can be ended between: first run() returns, then they end, then the server goes.
  void run();
  /// Any thread, or a signal handler's self-pipe; returns at once. With `keep_listening` the socket itself
  /// stays open (a successor has it), only accepting ends.
  void stop(bool keep_listening = false);

  /// Told of every answer, before run(); it outlives the server. Without one, nothing is gathered.
  void set_access_log(AccessLog& access_log);

  /// Called with every answer before it leaves, the server's own refusals too, before run(). Of a request
  /// that could not be read it sees the Origin at most. Any I/O thread.
  void set_amend(std::function<void(const Request&, Reply&)> amend);

  std::vector<RouteCount> route_counts() const;
  /// Of the routes that were asked for.
  std::vector<RouteTimes> route_times() const;
  std::uint64_t open_connections() const;
  /// Bytes of bodies that are on their way.
  std::uint64_t unfinished_bytes() const;
  /// The executor of I/O thread `index`, for jobs that belong to no connection.
  asio::any_io_executor executor(unsigned index) const;
  unsigned threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace market::http
