#include "adapters/remote/tcp_command_link.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <stdexcept>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/thread_name.hpp"

namespace market::remote {
namespace {

using boost::system::error_code;
constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t nonce_size = 32, proof_size = 43;  // base64url of 32 bytes.
constexpr std::size_t frame_bytes_max = 512 << 10;
constexpr Millis greeting_max{2'000};
constexpr Millis connect_max{500};
constexpr Millis silence_max{2'000};  ///< Without an acknowledgement of the peer's machine.
constexpr Millis accept_again{50};    ///< After a failed accept: few descriptors.

std::string nonce() {
  std::string bytes(nonce_size, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

std::string proof(const wire::SecretKey& secret, std::string_view side, const std::string& ours,
                  const std::string& theirs) {
  return wire::derived_secret(secret, fmt::format("market door 1 {}\n{}{}", side, ours, theirs));
}

bool same(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// Of a peer whose machine or network is gone nothing is ever read: TCP ends the connection, so that what
/// waits goes out on a new one and an accepted one gives its slot back.
void notice_silence(int socket) {
  constexpr int on = 1, every_seconds = 1, probes = 2;
  constexpr unsigned longest = silence_max.count();
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &every_seconds, sizeof every_seconds);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &every_seconds, sizeof every_seconds);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &longest, sizeof longest);  // Also of what was sent.
}

struct Target {
  std::string host, port;
};
Target target_of(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return {address, ""};
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {std::move(host), address.substr(colon + 1)};
}

/// Whoever called shows first that it knows the secret; then it is shown the same. Whether it was; none: the
/// other side has gone.
asio::awaitable<std::optional<bool>> show_secret(asio::ip::tcp::socket& socket, const wire::SecretKey& secret,
                                                 bool called) {
  const std::string ours = nonce();
  std::string theirs(nonce_size, '\0'), shown(proof_size, '\0');
  auto [sent, sent_size] = co_await asio::async_write(socket, asio::buffer(ours), tuple);
  if (sent) co_return std::nullopt;
  auto [got, got_size] = co_await asio::async_read(socket, asio::buffer(theirs), tuple);
  if (got) co_return std::nullopt;
  const std::string own = proof(secret, called ? "called" : "caller", ours, theirs);
  const std::string wanted = proof(secret, called ? "caller" : "called", theirs, ours);
  if (!called) {
    auto [wrote, wrote_size] = co_await asio::async_write(socket, asio::buffer(own), tuple);
    if (wrote) co_return std::nullopt;
  }
  auto [read, read_size] = co_await asio::async_read(socket, asio::buffer(shown), tuple);
  if (read) co_return std::nullopt;
  if (!same(shown, wanted)) co_return false;
  if (called) {
    auto [wrote, wrote_size] = co_await asio::async_write(socket, asio::buffer(own), tuple);
    if (wrote) co_return std::nullopt;
  }
  co_return true;
}

asio::awaitable<void> knock(asio::ip::tcp::socket& socket, Target target, const wire::SecretKey& secret,
                            bool& known) {
  asio::ip::tcp::resolver resolver(socket.get_executor());
  auto [unknown, found] = co_await resolver.async_resolve(target.host, target.port, tuple);
  if (unknown) co_return;
  auto [error, endpoint] = co_await asio::async_connect(socket, found, tuple);
  if (error) co_return;
  const auto shown = co_await show_secret(socket, secret, false);
  known = shown.value_or(false);
}

}  // namespace

bool answers(const std::string& address, const wire::SecretKey& secret) {
  if (target_of(address).port.empty()) return false;  // Of one who has left.
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  TaskGroup tasks{"a knock at a door between instances"};
  bool known = false;
  tasks.spawn(io.get_executor(), knock(socket, target_of(address), secret, known));
  io.run_for(greeting_max);
  error_code ignored;
  socket.close(ignored);
  io.restart();
  io.run();  // Its coroutine ends before what it uses.
  return known;
}

/// On the door's own thread, all of it.
struct TcpCommandLink::Connection {
  explicit Connection(asio::io_context& io) : socket(io), deadline(io), wake(io) {}
  Tcp::socket socket;
  asio::steady_timer deadline;  ///< Of the greeting; closes the socket.
  asio::steady_timer wake;      ///< Cancelled when there is something to write.
  std::deque<std::string> queue;
  std::size_t queued_bytes = 0;
  bool closed = false;

  void close() {
    closed = true;
    error_code ignored;
    socket.close(ignored);
    deadline.cancel();
    wake.cancel();
  }
  void close_after(Millis time, const ConnectionPtr& self) {
    deadline.expires_after(time);
    deadline.async_wait([self](error_code error) {
      if (!error) self->close();
    });
  }
};

TcpCommandLink::TcpCommandLink(TcpCommandLinkSettings settings) : settings_(std::move(settings)) {
  error_code error;
  const auto host = asio::ip::make_address(settings_.host, error);
  if (error) throw std::runtime_error(fmt::format("orders.door: '{}' is no address", settings_.host));
  const Tcp::endpoint endpoint(host, settings_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(128, error);
  if (error)
    throw std::runtime_error(fmt::format("orders.door: cannot listen on {}:{}: {}", settings_.host,
                                         settings_.port, error.message()));
  const auto port = acceptor_.local_endpoint().port();
  const std::string& known = settings_.known_as.empty() ? settings_.host : settings_.known_as;
  const auto colons = std::count(known.begin(), known.end(), ':');
  const bool has_port = known.front() == '[' ? known.find("]:") != std::string::npos : colons == 1;
  if (has_port)
    address_ = known;
  else if (known.front() != '[' && colons > 1)
    address_ = fmt::format("[{}]:{}", known, port);
  else
    address_ = fmt::format("{}:{}", known, port);
}

void TcpCommandLink::start(Receive on_command, std::function<void(std::string)> on_answer) {
  on_command_ = std::move(on_command);
  on_answer_ = std::move(on_answer);
  tasks_.spawn(io_.get_executor(), accept_all());
  thread_ = std::thread([this] {
    name_thread("door");
    const auto work = asio::make_work_guard(io_);
    io_.run();
  });
}

void TcpCommandLink::stop() {
  if (stopped_.exchange(true)) return;
  asio::post(io_, [this] { close_all(); });
  if (thread_.joinable()) tasks_.wait(Millis(2'000));
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

void TcpCommandLink::close_all() {
  error_code ignored;
  acceptor_.close(ignored);
  for (auto& [raw, weak] : all_)
    if (const auto connection = weak.lock()) connection->close();
}

// ---- Who comes ----

asio::awaitable<void> TcpCommandLink::accept_all() {
  asio::steady_timer timer(io_);
  while (!stopped_.load()) {
    auto [error, socket] = co_await acceptor_.async_accept(tuple);
    if (stopped_.load()) co_return;
    if (error) {
      timer.expires_after(accept_again);
      co_await timer.async_wait(tuple);
      continue;
    }
    if (incoming_ >= connections_max) continue;  // Closed: whoever came tries again.
    auto connection = std::make_shared<Connection>(io_);
    connection->socket = std::move(socket);
    all_[connection.get()] = connection;
    ++incoming_;
    tasks_.spawn(io_.get_executor(), serve(connection));
  }
}

asio::awaitable<void> TcpCommandLink::serve(ConnectionPtr connection) {
  const bool known = co_await greet(connection, true);
  if (known) {
    tasks_.spawn(io_.get_executor(), write_queue(connection));
    const std::weak_ptr<Connection> weak = connection;
    const CommandLink::Reply reply = [this, weak](std::string answer) {
      asio::post(io_, [this, weak, answer = std::move(answer)]() mutable {
        if (const auto there = weak.lock()) push(there, std::move(answer));
      });
    };
    auto each = [this, reply](std::string message) { on_command_(std::move(message), reply); };
    co_await read_frames(connection, std::move(each));
  }
  connection->close();
  --incoming_;
  all_.erase(connection.get());
}

asio::awaitable<bool> TcpCommandLink::greet(ConnectionPtr connection, bool called) {
  connection->close_after(greeting_max, connection);
  error_code ignored;
  connection->socket.set_option(Tcp::no_delay(true), ignored);
  notice_silence(connection->socket.native_handle());
  const auto known = co_await show_secret(connection->socket, settings_.secret, called);
  if (known && !*known)
    spdlog::warn(
        "the internal door: the other side does not know the secret; do all instances have the same "
        "keys?");
  if (!known.value_or(false)) co_return false;
  connection->deadline.cancel();
  co_return !connection->closed;
}

asio::awaitable<void> TcpCommandLink::read_frames(ConnectionPtr connection,
                                                  std::function<void(std::string)> each) {
  while (!connection->closed) {
    std::uint32_t size = 0;
    auto [error, got] =
        co_await asio::async_read(connection->socket, asio::buffer(&size, sizeof size), tuple);
    if (error || size == 0 || size > frame_bytes_max) co_return;
    std::string message(size, '\0');
    auto [cut, read] = co_await asio::async_read(connection->socket, asio::buffer(message), tuple);
    if (cut) co_return;
    each(std::move(message));
  }
}

// ---- Whom we call ----

void TcpCommandLink::send(const std::string& address, std::string message) {
  asio::post(io_, [this, address, message = std::move(message)]() mutable {
    if (stopped_.load()) return;
    auto& connection = outgoing_[address];
    if (!connection || connection->closed) {
      // Those to writers of before are of no use any more.
      for (auto& [other, old] : outgoing_)
        if (old && other != address) old->close();
      connection = std::make_shared<Connection>(io_);
      all_[connection.get()] = connection;
      tasks_.spawn(io_.get_executor(), reach(connection, address));
    }
    push(connection, std::move(message));
  });
}

void TcpCommandLink::push(const ConnectionPtr& connection, std::string message) {
  if (connection->closed || connection->queued_bytes + message.size() > queue_bytes_max) return;
  connection->queued_bytes += message.size();
  connection->queue.push_back(std::move(message));
  connection->wake.cancel();
}

asio::awaitable<void> TcpCommandLink::reach(ConnectionPtr connection, std::string address) {
  connection->close_after(connect_max, connection);
  const Target target = target_of(address);
  Tcp::resolver resolver(io_);
  auto [unknown, found] = co_await resolver.async_resolve(target.host, target.port, tuple);
  bool reached = false;
  if (!unknown && !connection->closed) {
    auto [error, endpoint] = co_await asio::async_connect(connection->socket, found, tuple);
    reached = !error && !connection->closed;
  }
  bool known = false;
  if (reached) known = co_await greet(connection, false);
  if (known) {
    tasks_.spawn(io_.get_executor(), write_queue(connection));
    auto each = [this](std::string message) { on_answer_(std::move(message)); };
    co_await read_frames(connection, std::move(each));
  } else if (!stopped_.load() && !target.port.empty()) {
    settings_.warn(fmt::format("the instance that writes cannot be reached at {} ({}): orders.door_address",
                               address, reached ? "who answers there has other keys" : "nobody answers"));
  }
  connection->close();  // What waited comes again by itself, on a new one.
  all_.erase(connection.get());
  const auto mine = outgoing_.find(address);
  if (mine != outgoing_.end() && mine->second == connection) outgoing_.erase(mine);
}

asio::awaitable<void> TcpCommandLink::write_queue(ConnectionPtr connection) {
  while (!connection->closed) {
    if (connection->queue.empty()) {
      connection->wake.expires_at(asio::steady_timer::time_point::max());
      co_await connection->wake.async_wait(tuple);
      continue;
    }
    std::string bytes;  // All that waits, in one write.
    for (const std::string& message : connection->queue) {
      const auto size = static_cast<std::uint32_t>(message.size());
      bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
      bytes += message;
    }
    connection->queue.clear();
    connection->queued_bytes = 0;
    auto [error, written] = co_await asio::async_write(connection->socket, asio::buffer(bytes), tuple);
    if (error) connection->close();
  }
}

}  // namespace market::remote
