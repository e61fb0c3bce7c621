#include "adapters/redis/connection.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>

#include "http/client/name_resolver.hpp"

namespace market::redis {
namespace {

constexpr int elements_max = 100'000;  ///< Of one list; hiredis would make room for as many as are announced.

redisReader* bounded_reader() {
  redisReader* const reader = redisReaderCreate();
  static const redisReplyObjectFunctions own = *reader->fn;
  static redisReplyObjectFunctions bounded = [] {
    auto functions = own;
    functions.createArray = [](const redisReadTask* task, decltype(redisReadTask::elements) count) -> void* {
      return count > elements_max ? nullptr : own.createArray(task, count);
    };
    return functions;
  }();
  reader->fn = &bounded;
  return reader;
}

}  // namespace

void append_command(std::string& out, std::span<const std::string> words) {
  out += fmt::format("*{}\r\n", words.size());
  for (const auto& word : words) {
    out += fmt::format("${}\r\n", word.size());
    out += word;
    out += "\r\n";
  }
}

Connection::Connection(const asio::any_io_executor& executor, std::shared_ptr<asio::ssl::context> tls)
    : socket_(executor),
      context_(std::move(tls)),
      deadline_(executor),
      reader_(bounded_reader(), [](redisReader* reader) { redisReaderFree(reader); }) {}

void Connection::close(std::string why) {
  if (std::exchange(closed_, true)) return;
  why_closed_ = std::move(why);
  deadline_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Connection::close_after(Millis longest) {
  deadline_.expires_after(longest);
  deadline_.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto connection = self.lock();
    if (!cancelled && connection) connection->close("it did not answer in time");
  });
}

tl::unexpected<Error> Connection::over(const boost::system::error_code& error) {
  close(error.message());
  return fail(Code::unavailable, why_closed_);
}

Task<> Connection::connect(Address address, Millis longest) {
  close_after(longest);
  auto found =
      co_await http::NameResolver::shared().resolve(address.host, std::to_string(address.port), longest);
  if (found.error) co_return fail(Code::unavailable, "its name leads nowhere: " + found.error.message());
  boost::system::error_code error;
  if (closed_) error = asio::error::operation_aborted;
  if (!error)
    co_await asio::async_connect(socket_, found.endpoints, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return over(error);
  socket_.set_option(Tcp::no_delay(true), error);
  socket_.set_option(asio::socket_base::keep_alive(true), error);
  if (context_) {
    tls_.emplace(socket_, *context_);
    tls_->set_verify_callback(asio::ssl::host_name_verification(address.host));
    boost::system::error_code no_address;
    asio::ip::make_address(address.host, no_address);
    if (no_address) SSL_set_tlsext_host_name(tls_->native_handle(), address.host.c_str());
    co_await tls_->async_handshake(asio::ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return over(error);
  }
  deadline_.cancel();
  co_return Result<>();
}

Task<> Connection::write(std::string bytes) {
  boost::system::error_code error;
  if (closed_) co_return over(asio::error::operation_aborted);
  if (tls_)
    co_await asio::async_write(*tls_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  else
    co_await asio::async_write(socket_, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return over(error);
  co_return Result<>();
}

Task<Reply> Connection::read() {
  for (;;) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK)
      co_return over(boost::system::errc::make_error_code(boost::system::errc::bad_message));
    if (reply != nullptr) {
      unread_ = 0;
      co_return Reply(static_cast<redisReply*>(reply));
    }
    if (closed_) co_return over(asio::error::operation_aborted);
    if (unread_ > reply_bytes_max)
      co_return over(boost::system::errc::make_error_code(boost::system::errc::message_size));
    std::array<char, 16'384> bytes;
    const auto space = asio::buffer(bytes);
    boost::system::error_code error;
    std::size_t count = 0;
    if (tls_)
      count = co_await tls_->async_read_some(space, asio::redirect_error(asio::use_awaitable, error));
    else
      count = co_await socket_.async_read_some(space, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return over(error);
    unread_ += count;
    redisReaderFeed(reader_.get(), bytes.data(), count);
  }
}

Task<Reply> Connection::ask(Words words, Millis longest) {
  std::string bytes;
  append_command(bytes, words);
  close_after(longest);
  const auto written = co_await write(std::move(bytes));
  if (!written) co_return fail(written.error());
  auto reply = co_await read();
  deadline_.cancel();
  co_return reply;
}

}  // namespace market::redis
