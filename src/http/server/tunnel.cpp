#include "http/server/tunnel.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <boost/asio/post.hpp>

#include <cerrno>

namespace market::http {
namespace {

constexpr std::size_t tunnel_bytes_max = 64 * 1024;  ///< Read from one side, not yet taken by the other.
constexpr std::int64_t tunnel_idle_ms_max = 10 * 60 * 1000;  ///< WebSocket peers ping far more often.

}  // namespace

Tunnel::Side::Side(Tunnel& of, TunnelEnd end)
    : tunnel(of), fd(std::move(end.fd)), buffer(std::move(end.leftover)) {
  place = of.thread_.add(*this, fd.get());
}
void Tunnel::Side::on_event(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable = true;
  tunnel.run();
}
void Tunnel::Side::on_deadline() {
  tunnel.end();
}
void Tunnel::Side::on_drain() {
  tunnel.end();  // The protocols inside have no other way to be told.
}
void Tunnel::Side::abandon() {
  tunnel.end();
}

Tunnel::Tunnel(IoThread& thread, const Peer& peer, TunnelEnd client, TunnelEnd upstream)
    : thread_(thread),
      peer_(peer),
      client_(*this, std::move(client)),
      upstream_(*this, std::move(upstream)) {}

Tunnel::~Tunnel() {
  for (const Side* side : {&client_, &upstream_})
    limit_unsent(side->fd.get(), thread_.shared().limits.send_time_max);
  thread_.shared().connection_closed(peer_);
}

void Tunnel::start(IoThread& thread, const Peer& peer, TunnelEnd client, TunnelEnd upstream) {
  auto* const tunnel = new Tunnel(thread, peer, std::move(client), std::move(upstream));
  tunnel->run();  // It owns itself: end() is its end.
}

bool Tunnel::move(Side& from, Side& to) {
  for (;;) {
    while (!from.buffer.empty()) {
      const auto count = ::send(to.fd.get(), from.buffer.data(), from.buffer.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (count < 0) return false;
      from.buffer.erase(0, static_cast<std::size_t>(count));
    }
    if (from.buffer.size() >= tunnel_bytes_max || !from.readable || from.ended) break;
    const auto before = from.buffer.size();
    from.buffer.resize(tunnel_bytes_max);
    const auto count = ::recv(from.fd.get(), from.buffer.data() + before, tunnel_bytes_max - before, 0);
    from.buffer.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count > 0) continue;
    if (count == 0) {
      from.ended = true;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      from.readable = false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  if (from.ended && from.buffer.empty() && !to.shut) {
    to.shut = true;
    ::shutdown(to.fd.get(), SHUT_WR);
  }
  return true;
}

void Tunnel::run() {
  if (ended_) return;
  if (!move(client_, upstream_) || !move(upstream_, client_) || (client_.shut && upstream_.shut))
    return end();
  client_.set_deadline(thread_.now_ms() + tunnel_idle_ms_max);
}

void Tunnel::end() {
  if (ended_) return;
  ended_ = true;
  thread_.remove(client_.place);
  thread_.remove(upstream_.place);
  asio::post(thread_.io(), [this] { delete this; });  // One of its sides may be on the stack.
}

}  // namespace market::http
