#pragma once
/// After `101 Switching Protocols`: two sockets, and what one sends the other gets. Each direction has one
/// bounded buffer; while it is full nothing more is read, so that the slower side sets the pace.

#include <array>
#include <string>

#include "http/server/io_thread.hpp"
#include "http/server/watched.hpp"

namespace market::http {

struct TunnelEnd {
  TunnelEnd(OwnedFd socket, std::string unread) : fd(std::move(socket)), leftover(std::move(unread)) {}
  TunnelEnd(TunnelEnd&&) = default;
  OwnedFd fd;
  std::string leftover;  ///< Already read from it, and the other's to get.
};

class Tunnel {
 public:
  /// Lives until both directions have ended, one fails, or nothing moves for too long. Counts as `peer`'s
  /// connection.
  static void start(IoThread& thread, const Peer& peer, TunnelEnd client, TunnelEnd upstream);
  ~Tunnel();

 private:
  struct Side final : Watched {
    Side(Tunnel& of, TunnelEnd end);
    void on_event(std::uint32_t events) override;
    void on_deadline() override;
    void on_drain() override;
    void abandon() override;
    void set_deadline(std::int64_t at) { deadline_ms_ = at; }
    Tunnel& tunnel;
    OwnedFd fd;
    std::uint32_t place = 0;
    std::string buffer;  ///< Read from here, to be written to the other.
    bool readable = true, ended = false, shut = false;
  };

  Tunnel(IoThread& thread, const Peer& peer, TunnelEnd client, TunnelEnd upstream);
  /// Moves what can be moved. May end this tunnel.
  void run();
  /// False: broken.
  bool move(Side& from, Side& to);
  void end();

  IoThread& thread_;
  Peer peer_;
  Side client_, upstream_;
  bool ended_ = false;
};

}  // namespace market::http
