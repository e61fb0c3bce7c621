#include "http/client/client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "http/client/name_resolver.hpp"
#include "http/message/host_address.hpp"
#include "wire/auth/basic_authorization.hpp"

namespace market::http {
namespace {

namespace beast = boost::beast;
using Failure = boost::system::error_code;

constexpr std::size_t idle_connections_max = 4;
constexpr std::size_t reply_bytes_max = 256 * 1024 * 1024;  ///< A full registry of ours fits.

beast::http::verb verb_of(Method method) {
  switch (method) {
    case Method::get:
      return beast::http::verb::get;
    case Method::head:
      return beast::http::verb::head;
    case Method::post:
      return beast::http::verb::post;
    case Method::put:
      return beast::http::verb::put;
    case Method::patch:
      return beast::http::verb::patch;
    case Method::del:
      return beast::http::verb::delete_;
    case Method::options:
      return beast::http::verb::options;
  }
  return beast::http::verb::get;
}

beast::http::request<beast::http::string_body> message_of(const BaseUrl& base, const ClientRequest& request) {
  beast::http::request<beast::http::string_body> message(verb_of(request.method), base.path + request.path,
                                                         11);
  message.set(beast::http::field::host, base.host + ":" + base.port);
  message.set(beast::http::field::user_agent, "market");
  if (!base.authorization.empty()) message.set(beast::http::field::authorization, base.authorization);
  if (!request.accept.empty()) message.set(beast::http::field::accept, request.accept);
  if (!request.content_type.empty()) message.set(beast::http::field::content_type, request.content_type);
  for (const Header& header : request.headers) message.set(header.name, header.value);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

tl::unexpected<Error> lost(const BaseUrl& base, std::string_view what, const Failure& failure) {
  return fail(Code::unavailable, base.text() + ": " + std::string(what) + ": " + failure.message());
}

}  // namespace

Result<BaseUrl> parse_base_url(std::string_view text) {
  const auto url = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!url || url->scheme() != "http" || url->encoded_host().empty())
    return fail(Code::validation, "'" + std::string(text.substr(text.find('@') + 1)) +
                                      "' is no address such as http://127.0.0.1:8761/eureka/");
  BaseUrl base;
  base.host = host_in_url(url->host_address());
  if (url->has_port() && !url->port().empty()) base.port = std::string(url->port());
  base.path = std::string(url->encoded_path());
  if (!base.path.ends_with('/')) base.path += '/';
  if (url->has_userinfo()) base.authorization = wire::basic_authorization(url->userinfo());
  return base;
}

Result<std::vector<BaseUrl>> parse_base_urls(std::string_view text) {
  std::vector<BaseUrl> bases;
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty()) continue;
    auto base = parse_base_url(one);
    if (!base) return tl::unexpected(base.error());
    bases.push_back(std::move(*base));
  }
  return bases;
}

struct Client::Connection {
  explicit Connection(const asio::any_io_executor& executor) : stream(executor) {}
  beast::tcp_stream stream;
  beast::flat_buffer buffer;
  bool reusable = false;
};

Client::Client(asio::any_io_executor executor, BaseUrl base)
    : executor_(std::move(executor)), base_(std::move(base)) {}
Client::~Client() = default;

asio::awaitable<Result<Client::ConnectionPtr>> Client::connect(Millis deadline) {
  Failure failure;
  auto connection = std::make_unique<Connection>(executor_);
  const auto found = co_await NameResolver::shared().resolve(bare_host(base_.host), base_.port, deadline);
  if (found.error) co_return lost(base_, "no such host", found.error);
  connection->stream.expires_after(deadline);
  co_await connection->stream.async_connect(found.endpoints,
                                            asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return lost(base_, "cannot connect", failure);
  connection->stream.socket().set_option(asio::ip::tcp::no_delay(true), failure);
  co_return std::move(connection);
}

asio::awaitable<Result<ClientReply>> Client::exchange(Connection& connection, const ClientRequest& request) {
  Failure failure;
  const auto message = message_of(base_, request);
  connection.reusable = false;
  connection.stream.expires_after(request.deadline);
  co_await beast::http::async_write(connection.stream, message,
                                    asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return lost(base_, "cannot send", failure);
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(reply_bytes_max);
  if (request.method == Method::head) parser.skip(true);
  co_await beast::http::async_read(connection.stream, connection.buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return lost(base_, "no answer", failure);
  connection.reusable = parser.get().keep_alive() && connection.buffer.size() == 0;
  ClientReply reply;
  reply.status = static_cast<int>(parser.get().result_int());
  reply.body = std::move(parser.get().body());
  co_return reply;
}

Task<ClientReply> Client::send(ClientRequest request) {
  // A kept connection may have been closed meanwhile by the other side: then once more, over a new one. What
  // is asked of registries may be repeated.
  if (!idle_.empty()) {
    ConnectionPtr kept = std::move(idle_.back());
    idle_.pop_back();
    auto reply = co_await exchange(*kept, request);
    if (reply && kept->reusable && idle_.size() < idle_connections_max) idle_.push_back(std::move(kept));
    if (reply) co_return reply;
    idle_.clear();
  }
  auto connection = co_await connect(request.deadline);
  if (!connection) co_return tl::unexpected(connection.error());
  auto reply = co_await exchange(**connection, request);
  if (reply && (*connection)->reusable && idle_.size() < idle_connections_max)
    idle_.push_back(std::move(*connection));
  co_return reply;
}

Task<> Client::stream(ClientRequest request, std::function<void(std::string_view)> take, Millis silence_max) {
  auto connected = co_await connect(request.deadline);
  if (!connected) co_return tl::unexpected(connected.error());
  Connection& connection = **connected;
  Failure failure;
  const auto message = message_of(base_, request);
  connection.stream.expires_after(request.deadline);
  co_await beast::http::async_write(connection.stream, message,
                                    asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return lost(base_, "cannot send", failure);
  beast::http::response_parser<beast::http::buffer_body> parser;
  parser.body_limit(boost::none);
  co_await beast::http::async_read_header(connection.stream, connection.buffer, parser,
                                          asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return lost(base_, "no answer", failure);
  if (parser.get().result_int() != 200)
    co_return fail(Code::unavailable,
                   base_.text() + ": the stream answered " + std::to_string(parser.get().result_int()));
  char piece[16 * 1024];
  while (!parser.is_done()) {
    parser.get().body().data = piece;
    parser.get().body().size = sizeof piece;
    connection.stream.expires_after(silence_max);
    co_await beast::http::async_read_some(connection.stream, connection.buffer, parser,
                                          asio::redirect_error(asio::use_awaitable, failure));
    if (failure && failure != beast::http::error::need_buffer)
      co_return lost(base_, "the stream broke", failure);
    failure = Failure();
    const std::size_t left = parser.get().body().size;
    if (left < sizeof piece) take(std::string_view(piece, sizeof piece - left));
  }
  co_return Result<>();
}

}  // namespace market::http
