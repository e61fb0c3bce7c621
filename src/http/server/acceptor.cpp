#include "http/server/acceptor.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "http/message/proxy_addresses.hpp"

namespace market::http {
namespace {

constexpr int backlog = 4096;
constexpr int accepts_in_a_row_max = 64;
constexpr std::chrono::milliseconds out_of_files_pause{100};

Peer peer_of(const sockaddr_storage& address) {
  Peer peer;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(peer.bucket.data() + 12, &v4.sin_addr, 4);
    ::inet_ntop(AF_INET, &v4.sin_addr, peer.text.data(), peer.text.size());
    peer.loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      sockaddr_storage mapped{};
      auto& v4 = reinterpret_cast<sockaddr_in&>(mapped);
      v4.sin_family = AF_INET;
      std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
      return peer_of(mapped);
    }
    std::memcpy(peer.bucket.data(), v6.sin6_addr.s6_addr, 8);  // The /64: one customer of a provider.
    peer.bucket[15] = 6;
    ::inet_ntop(AF_INET6, &v6.sin6_addr, peer.text.data(), peer.text.size());
    peer.loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  }
  return peer;
}

}  // namespace

Acceptor::~Acceptor() {
  ready_.reset();
  if (fd_ >= 0) ::close(fd_);
}

void Acceptor::listen(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto service = std::to_string(port);
  const auto where = host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                                         : fmt::format("[{}]:{}", host, port);
  if (const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found))
    throw std::runtime_error(fmt::format("cannot listen on {}: {}", where, ::gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  OwnedFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd.get() < 0 || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(fd.get(), backlog) != 0)
    throw std::runtime_error(fmt::format("cannot listen on {}: {}", where, std::strerror(errno)));
  adopt(fd.release());
}

void Acceptor::adopt(int listening_fd) {
  int accepting = 0;
  socklen_t size = sizeof accepting;
  if (::getsockopt(listening_fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) != 0 || accepting == 0)
    throw std::runtime_error(fmt::format("file descriptor {} is no listening socket", listening_fd));
  fd_ = listening_fd;
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  const int on = 1;  // Accepted sockets inherit these, which saves their calls.
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int half = static_cast<int>(shared_.limits.send_buffer_bytes_max / 2);  // The kernel doubles it.
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &half, sizeof half);
}

std::uint16_t Acceptor::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (fd_ < 0 || ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

void Acceptor::start() {
  const int duplicate = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0)
    throw std::runtime_error(fmt::format("cannot watch the listening socket: {}", std::strerror(errno)));
  ready_ = std::make_unique<asio::posix::stream_descriptor>(shared_.threads.front()->io(), duplicate);
  pause_ = std::make_unique<asio::steady_timer>(shared_.threads.front()->io());
  wait();
}

void Acceptor::stop(bool keep_listening) {
  ready_.reset();
  pause_.reset();
  if (keep_listening || fd_ < 0) return;
  while (accept_one()) {  // Closing the socket would reset those who wait in its backlog.
  }
  ::close(fd_);
  fd_ = -1;
}

void Acceptor::wait() {
  ready_->async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    if (!error) accept_waiting();
  });
}

void Acceptor::accept_waiting() {
  for (int i = 0; i < accepts_in_a_row_max; ++i) {
    if (accept_one()) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause();
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    // Else the peer gave up before we came.
  }
  wait();
}

bool Acceptor::accept_one() {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  OwnedFd fd(::accept4(fd_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.get() < 0) return false;
  paused_ = false;
  hand_over(std::move(fd), peer_of(address));
  return true;
}

void Acceptor::hand_over(OwnedFd fd, Peer peer) {
  if (shared_.open.load() >= shared_.limits.connections_max) return;  // Closed at once.
  const std::string_view address = peer.text.data();
  peer.trusted = is_in(address, *shared_.trusted.load());
  peer.capped = !peer.trusted && !(shared_.limits.is_uncapped && shared_.limits.is_uncapped(address));
  if (peer.capped && !shared_.peers.take(peer, shared_.limits.connections_per_address_max)) return;
  shared_.open.fetch_add(1);
  IoThread& thread = *shared_.threads[next_thread_++ % shared_.threads.size()];
  asio::post(thread.io(),
             [&thread, peer, fd = std::move(fd)]() mutable { thread.start_session(std::move(fd), peer); });
}

void Acceptor::pause() {
  if (!paused_) spdlog::warn("out of file descriptors: accepting pauses");
  paused_ = true;
  pause_->expires_after(out_of_files_pause);
  pause_->async_wait([this](boost::system::error_code error) {
    if (!error) accept_waiting();
  });
}

}  // namespace market::http
