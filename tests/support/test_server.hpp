#pragma once
/// A server of the test's own routes and limits, and clients that send it whatever bytes they like.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "http/server/server.hpp"

namespace market::tests {

inline Task<http::Reply> echo(const http::Request& request) {
  co_return http::json(http::Status::ok, std::string(request.body));
}
inline std::atomic<int> slow_begun{0};
inline Task<http::Reply> slow(const http::Request&) {
  ++slow_begun;
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(300));
  co_await timer.async_wait(asio::use_awaitable);
  co_return http::json(http::Status::ok, "\"slow\"");
}
inline Task<http::Reply> broken(const http::Request&) {
  throw std::runtime_error("a secret");
  co_return http::Reply();
}

class Client {
 public:
  /// `receive_bytes`: of the system's buffer; 0: as it likes.
  explicit Client(std::uint16_t port, int receive_bytes = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_bytes > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Client() { ::close(fd_); }
  bool connected() const { return connected_; }
  void send(std::string_view text) {
    [[maybe_unused]] const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  /// Until `text` has come, the peer closes, or five seconds pass.
  std::string receive_until(std::string_view text) {
    std::string got;
    char buffer[65536];
    while (got.find(text) == std::string::npos) {
      const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      got.append(buffer, static_cast<std::size_t>(count));
    }
    return got;
  }
  std::string receive_all() { return receive_until("\x01 never \x01"); }
  bool closes_within(std::chrono::milliseconds limit) {
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(limit.count())) != 1) return false;
    char byte;
    return ::recv(fd_, &byte, 1, 0) <= 0;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
  bool connected_ = false;
};

/// Add routes, then start().
class TestServer : public testing::Test {
 protected:
  /// `prepare`: what is set before the server runs.
  void start(const std::function<void()>& prepare = nullptr) {
    server = std::make_unique<http::Server>(router, clock, limits, 2);
    if (prepare) prepare();
    server->listen("127.0.0.1", 0);
    port = server->port();
    runner = std::thread([this] { server->run(); });
  }
  ~TestServer() override { stop(); }
  void stop() {
    if (!runner.joinable()) return;
    server->stop();
    runner.join();
  }
  std::string ask(std::string_view request) {
    Client client(port);
    client.send(request);
    return client.receive_all();
  }

  SystemClock clock;
  http::Router router;
  http::Limits limits;
  std::unique_ptr<http::Server> server;
  std::thread runner;
  std::uint16_t port = 0;
};

}  // namespace market::tests
