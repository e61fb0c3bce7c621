#pragma once
/// The one listening socket: accepts on the first thread, hands connections round-robin to all of them. So
/// 256 connections spread evenly, and the socket can go to a successor process without losing queued
/// connections.

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "http/server/io_thread.hpp"

namespace market::http {

class Acceptor {
 public:
  explicit Acceptor(ServerShared& shared) : shared_(shared) {}
  ~Acceptor();

  void listen(const std::string& host, std::uint16_t port);
  void adopt(int listening_fd);
  int fd() const { return fd_; }
  std::uint16_t port() const;

  // On the first thread.
  void start();
  void stop(bool keep_listening);

 private:
  void wait();
  void accept_waiting();
  /// False: none; errno says why.
  bool accept_one();
  void hand_over(OwnedFd fd, Peer peer);
  void pause();

  ServerShared& shared_;
  int fd_ = -1;
  std::unique_ptr<asio::posix::stream_descriptor> ready_;  ///< Watches a duplicate, so that fd_ stays ours.
  std::unique_ptr<asio::steady_timer> pause_;
  std::size_t next_thread_ = 0;
  bool paused_ = false;  ///< For lack of descriptors; said once.
};

}  // namespace market::http
