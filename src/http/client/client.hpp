#pragma once
/// A small HTTP/1.1 client for talk between services (registry, peers): keep-alive, bounded, with deadlines.
/// All of one client runs on one thread: that of its executor.
///
///   Client client(executor, *parse_base_url("http://user:word@127.0.0.1:8761/eureka/"));
///   ClientRequest request; request.path = "apps/"; request.accept = json_type;
///   auto reply = co_await client.send(std::move(request));

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "base/time.hpp"
#include "http/message/message.hpp"

namespace market::http {

/// Where a client sends to.
struct BaseUrl {
  std::string host;  ///< As in a URL: an IPv6 address in brackets.
  std::string port = "80";
  std::string path = "/";     ///< Ends with a slash.
  std::string authorization;  ///< `Basic …` when the URL has a user and a password.
  /// Without the password, for logs.
  std::string text() const { return "http://" + host + ":" + port + path; }
};
/// Errors: validation, with the reason. `http` only.
Result<BaseUrl> parse_base_url(std::string_view text);
/// `a,b,c`. Errors: validation.
Result<std::vector<BaseUrl>> parse_base_urls(std::string_view text);

struct ClientRequest {
  Method method = Method::get;
  std::string path;  ///< Behind the base's, without a leading slash.
  std::string_view accept, content_type;
  std::string body;
  std::vector<Header> headers;
  Millis deadline{5'000};
};
struct ClientReply {
  int status = 0;
  std::string body;
};

class Client {
 public:
  Client(asio::any_io_executor executor, BaseUrl base);
  ~Client();
  /// Errors: unavailable (not reached, no whole answer in time: it may have been carried out).
  Task<ClientReply> send(ClientRequest request);
  /// GET of a stream: `take` gets each piece until the other side ends it. Errors: unavailable, also when
  /// nothing at all came for `silence_max`, or the answer is not 200.
  Task<> stream(ClientRequest request, std::function<void(std::string_view)> take, Millis silence_max);
  const BaseUrl& base() const { return base_; }

 private:
  struct Connection;
  using ConnectionPtr = std::unique_ptr<Connection>;
  asio::awaitable<Result<ConnectionPtr>> connect(Millis deadline);
  asio::awaitable<Result<ClientReply>> exchange(Connection& connection, const ClientRequest& request);

  asio::any_io_executor executor_;
  BaseUrl base_;
  std::vector<ConnectionPtr> idle_;
};

}  // namespace market::http
