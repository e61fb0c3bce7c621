#pragma once
/// ports/command_link.hpp over TCP: the internal door between instances. Both sides prove that they know a
/// secret before anything else is read (the address comes from the log); then frames of four bytes of length
/// and a message. Never reachable through a gateway: it has a socket of its own.

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/task_group.hpp"
#include "ports/command_link.hpp"
#include "wire/auth/secret_text.hpp"

namespace market::remote {

struct TcpCommandLinkSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any that is free.
  std::string known_as;    ///< HOST or HOST:PORT that others use; empty: host and the port.
  wire::SecretKey secret{};
  /// Told when another instance cannot be reached, each time; any thread.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

class TcpCommandLink final : public CommandLink {
 public:
  static constexpr std::size_t connections_max = 512;  ///< From other instances.
  static constexpr std::size_t queue_bytes_max = 16
                                                 << 20;  ///< That wait for one connection; more are dropped.

  /// Listens. Throws std::runtime_error with one clear line.
  explicit TcpCommandLink(TcpCommandLinkSettings settings);
  ~TcpCommandLink() override { stop(); }

  std::string address() const override { return address_; }
  void send(const std::string& address, std::string message) override;
  void start(Receive on_command, std::function<void(std::string)> on_answer) override;
  void stop() override;
  boost::asio::any_io_executor executor() override { return io_.get_executor(); }

 private:
  using Tcp = boost::asio::ip::tcp;
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;

  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(ConnectionPtr connection);
  asio::awaitable<void> reach(ConnectionPtr connection, std::string address);
  asio::awaitable<void> write_queue(ConnectionPtr connection);
  asio::awaitable<bool> greet(ConnectionPtr connection, bool called);
  asio::awaitable<void> read_frames(ConnectionPtr connection, std::function<void(std::string)> each);
  void push(const ConnectionPtr& connection, std::string message);
  void close_all();

  const TcpCommandLinkSettings settings_;
  asio::io_context io_{1};
  Tcp::acceptor acceptor_{io_};
  std::string address_;
  Receive on_command_;
  std::function<void(std::string)> on_answer_;
  std::map<std::string, ConnectionPtr> outgoing_;
  std::size_t incoming_ = 0;
  std::map<Connection*, std::weak_ptr<Connection>> all_;
  TaskGroup tasks_{"a connection between instances"};
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

/// A knock by a command that is no instance: whether a door that knows the secret answers there within two
/// seconds. Blocks. Whoever else listens at an address that an instance once had is nobody.
bool answers(const std::string& address, const wire::SecretKey& secret);

}  // namespace market::remote
