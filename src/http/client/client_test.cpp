#include "http/client/client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "http/server/server.hpp"

namespace market::http {
namespace {

TEST(Client, reads_addresses) {
  const auto base = parse_base_url("http://market:shared%20secret@registry.example:8761/eureka");
  ASSERT_TRUE(base);
  EXPECT_EQ(base->host, "registry.example");
  EXPECT_EQ(base->port, "8761");
  EXPECT_EQ(base->path, "/eureka/");
  EXPECT_EQ(base->authorization, "Basic bWFya2V0OnNoYXJlZCBzZWNyZXQ=");
  EXPECT_EQ(base->text(), "http://registry.example:8761/eureka/") << "no password in logs";
  const auto six = parse_base_url("http://[::1]:8761/eureka");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "[::1]");
  EXPECT_EQ(six->text(), "http://[::1]:8761/eureka/");
  EXPECT_EQ(parse_base_urls(" http://a/x/, http://b:1/ ,")->size(), 2u);
  for (const char* wrong : {"https://a/", "a:8761", "http://", "ftp://a/", "http://a b/"})
    EXPECT_FALSE(parse_base_url(wrong)) << wrong;
}

Task<Reply> echo(std::string body) {
  co_return json(Status::ok, std::move(body));
}
Task<> count_to_three(Stream& stream) {
  for (const char* piece : {"one", "two", "three"}) {
    const auto written = co_await stream.write(piece);
    if (!written) co_return Result<>();
  }
  co_return Result<>();
}
Task<Reply> pieces() {
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.stream = [](Stream& stream) { return count_to_three(stream); };
  co_return reply;
}

/// Our own server takes no Host field without brackets.
TEST(Client, SpeaksWithAnAddressOfVersionSix) {
  const SystemClock clock;
  Router router;
  router.add(Method::put, "/echo", [](const Request& r) { return echo(std::string(r.body)); });
  Server server(router, clock, Limits(), 1);
  server.listen("::1", 0);
  std::thread thread([&server] { server.run(); });
  asio::io_context io;
  Client client(io.get_executor(), *parse_base_url("http://[::1]:" + std::to_string(server.port())));
  ClientRequest request;
  request.method = Method::put;
  request.path = "echo";
  request.content_type = json_type;
  request.body = "{}";
  auto answer = asio::co_spawn(io, client.send(std::move(request)), asio::use_future);
  io.run();
  const auto reply = answer.get();
  server.stop();
  thread.join();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "{}");
}

class WithServer : public testing::Test {
 protected:
  void SetUp() override {
    router.add(Method::put, "/base/echo", [](const Request& r) { return echo(std::string(r.body)); });
    router.add(Method::get, "/base/pieces", [](const Request&) { return pieces(); });
    server = std::make_unique<Server>(router, clock, Limits(), 1);
    server->listen("127.0.0.1", 0);
    thread = std::thread([this] { server->run(); });
  }
  void TearDown() override {
    server->stop();
    thread.join();
  }
  BaseUrl base() const {
    return *parse_base_url("http://127.0.0.1:" + std::to_string(server->port()) + "/base");
  }
  template <class T>
  Result<T> run(Task<T> task) {
    io.restart();
    auto answer = asio::co_spawn(io, std::move(task), asio::use_future);
    io.run();
    return answer.get();
  }
  ClientRequest put(std::string body) {
    ClientRequest request;
    request.method = Method::put;
    request.path = "echo";
    request.content_type = json_type;
    request.body = std::move(body);
    return request;
  }

  SystemClock clock;
  Router router;
  std::unique_ptr<Server> server;
  std::thread thread;
  asio::io_context io;
};

TEST_F(WithServer, answers_come_over_a_kept_connection) {
  Client client(io.get_executor(), base());
  for (int i = 0; i < 5; ++i) {
    const auto reply = run(client.send(put("[" + std::to_string(i) + "]")));
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "[" + std::to_string(i) + "]");
  }
  EXPECT_EQ(server->open_connections(), 1u);
}

TEST_F(WithServer, streams_come_in_pieces) {
  Client client(io.get_executor(), base());
  ClientRequest request;
  request.path = "pieces";
  std::string all;
  const auto ended = run(client.stream(
      std::move(request), [&](std::string_view piece) { all += piece; }, Millis(2'000)));
  EXPECT_TRUE(ended) << ended.error().detail;
  EXPECT_EQ(all, "onetwothree");
  request.path = "nothing";
  EXPECT_FALSE(run(client.stream(
      std::move(request), [](std::string_view) {}, Millis(2'000))));
}

TEST_F(WithServer, nobody_there_is_an_error_in_time) {
  Client client(io.get_executor(), *parse_base_url("http://127.0.0.1:1/"));
  const auto reply = run(client.send(put("{}")));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::unavailable);
}

}  // namespace
}  // namespace market::http
