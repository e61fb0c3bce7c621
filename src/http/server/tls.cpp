#include "http/server/tls.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <stdexcept>

#include "http/server/connection.hpp"

namespace market::http {

struct TlsContext {
  asio::ssl::context context{asio::ssl::context::tls_server};
};

namespace {

constexpr std::chrono::milliseconds handshake_time_max{10'000};
constexpr std::chrono::milliseconds shutdown_time_max{2'000};
constexpr std::size_t tls_piece_bytes_max = 16 * 1024;  ///< One TLS record.
using Error = boost::system::error_code;

/// Both sockets of one connection; lives as long as one of its two pumps. It is what counts as open: its
/// session ends when all is in the inner socket, which is not yet with the client.
struct TlsBridge {
  TlsBridge(IoThread& of, OwnedFd fd, const Peer& from, std::shared_ptr<TlsContext> tls)
      : thread(of),
        peer(from),
        context(std::move(tls)),
        outside(asio::ip::tcp::socket(of.io()), context->context),
        inside(of.io()) {
    outside.next_layer().assign(asio::ip::tcp::v4(), fd.release());
  }
  ~TlsBridge() {
    close();
    thread.shared().connection_closed(peer);
  }
  void close() {
    Error ignored;
    if (outside.next_layer().is_open())
      limit_unsent(outside.next_layer().native_handle(), thread.shared().limits.send_time_max);
    outside.next_layer().close(ignored);
    inside.close(ignored);
  }

  IoThread& thread;
  Peer peer;
  std::shared_ptr<TlsContext> context;
  asio::ssl::stream<asio::ip::tcp::socket> outside;
  asio::local::stream_protocol::socket inside;
};
using BridgePtr = std::shared_ptr<TlsBridge>;

enum class Unsent : bool { goes_on, is_dropped };

/// Closes the bridge unless it ends before.
class Deadline {
 public:
  Deadline(const BridgePtr& bridge, std::chrono::milliseconds longest, Unsent unsent = Unsent::goes_on)
      : timer_(bridge->thread.io(), longest) {
    timer_.async_wait([bridge, unsent](Error expired) {
      if (expired) return;
      auto& socket = bridge->outside.next_layer();
      if (unsent == Unsent::is_dropped && socket.is_open()) drop_unsent(socket.native_handle());
      bridge->close();
    });
  }

 private:
  asio::steady_timer timer_;
};

asio::awaitable<void> pump_in(BridgePtr bridge) {
  std::array<char, tls_piece_bytes_max> piece;
  Error error;
  while (!error) {
    const auto bytes = co_await bridge->outside.async_read_some(
        asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::connection_reset) bridge->close();  // Who has broken off reads nothing either.
    if (error) break;
    co_await asio::async_write(bridge->inside, asio::buffer(piece.data(), bytes),
                               asio::redirect_error(asio::use_awaitable, error));
  }
  // The session learns that no more will come; it may still have something to say.
  Error ignored;
  bridge->inside.shutdown(asio::local::stream_protocol::socket::shutdown_send, ignored);
}

asio::awaitable<void> pump_out(BridgePtr bridge) {
  std::array<char, tls_piece_bytes_max> piece;
  Error error;
  while (!error) {
    const auto bytes = co_await bridge->inside.async_read_some(
        asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    const Deadline taken(bridge, bridge->thread.shared().limits.send_time_max, Unsent::is_dropped);
    co_await asio::async_write(bridge->outside, asio::buffer(piece.data(), bytes),
                               asio::redirect_error(asio::use_awaitable, error));
  }
  const Deadline gone(bridge, shutdown_time_max);
  co_await bridge->outside.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  bridge->close();
}

asio::awaitable<void> serve_tls(BridgePtr bridge) {
  Error error;
  {
    const Deadline greeted(bridge, handshake_time_max);
    co_await bridge->outside.async_handshake(asio::ssl::stream_base::server,
                                             asio::redirect_error(asio::use_awaitable, error));
  }
  int pair[2];
  if (error || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) co_return;
  bridge->inside.assign(asio::local::stream_protocol(), pair[0]);
  Peer within = bridge->peer;
  within.tls = true;
  Connection::start(bridge->thread, OwnedFd(pair[1]), within);
  bridge->thread.tasks.spawn(bridge->thread.io().get_executor(), pump_out(bridge));
  co_await pump_in(bridge);
}

/// We speak HTTP/1.1 alone; whoever offers only others is told so (RFC 7301 3.2).
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, ours, sizeof ours - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::shared_ptr<TlsContext> load_tls(const std::string& certificate_file, const std::string& key_file) {
  auto loaded = std::make_shared<TlsContext>();
  auto& context = loaded->context;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
  // RFC 9325 4.2: forward secrecy and authenticated encryption only, so no CBC and no SHA-1.
  auto* const native = context.native_handle();
  if (SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    throw std::runtime_error("this OpenSSL has none of the cipher suites that TLS 1.2 needs");
  SSL_CTX_set_alpn_select_cb(native, &select_protocol, nullptr);
  SSL_CTX_set_options(native, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // Of idle connections: docs/limits.md, memory.
  Error error;
  if (context.use_certificate_chain_file(certificate_file, error); error)
    throw std::runtime_error(fmt::format("the TLS certificate {}: {}", certificate_file, error.message()));
  if (context.use_private_key_file(key_file, asio::ssl::context::pem, error); error)
    throw std::runtime_error(fmt::format("the TLS key {}: {}", key_file, error.message()));
  return loaded;
}

void start_tls(IoThread& thread, OwnedFd fd, const Peer& peer, std::shared_ptr<TlsContext> context) {
  auto bridge = std::make_shared<TlsBridge>(thread, std::move(fd), peer, std::move(context));
  thread.tasks.spawn(thread.io().get_executor(), serve_tls(std::move(bridge)));
}

}  // namespace market::http
