#pragma once
/// One connection to a Redis or a Sentinel, TCP or TLS: bytes out, replies in. Of one thread.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <span>

#include "adapters/redis/client_settings.hpp"
#include "adapters/redis/reply.hpp"
#include "base/task.hpp"

struct redisReader;

namespace market::redis {

/// The words of a command; each may be any bytes.
using Words = std::vector<std::string>;
/// As Redis reads it: every word with its length, so that none can end a command or begin another.
void append_command(std::string& out, std::span<const std::string> words);

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  static constexpr std::size_t reply_bytes_max = 16u << 20;  ///< Beyond it what answers is no Redis of ours.

  Connection(const asio::any_io_executor& executor, std::shared_ptr<asio::ssl::context> tls);

  /// Name, TCP, TLS. Errors: unavailable.
  Task<> connect(Address address, Millis longest);
  /// All of it. Errors: unavailable.
  Task<> write(std::string bytes);
  /// The next one; an error of Redis is a reply like any other. Errors: unavailable: the connection is over.
  Task<Reply> read();
  /// One command and its answer, outside the pipeline. Errors: unavailable, also when `longest` has passed.
  Task<Reply> ask(Words words, Millis longest);
  /// What waits here ends, for this reason.
  void close(std::string why = "the connection was closed");
  bool is_closed() const { return closed_; }

 private:
  using Tcp = asio::ip::tcp;
  void close_after(Millis longest);
  tl::unexpected<Error> over(const boost::system::error_code& error);

  Tcp::socket socket_;
  std::shared_ptr<asio::ssl::context> context_;
  std::optional<asio::ssl::stream<Tcp::socket&>> tls_;
  asio::steady_timer deadline_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  std::size_t unread_ = 0;  ///< Bytes of a reply that is not whole yet.
  bool closed_ = false;
  std::string why_closed_;
};
using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace market::redis
