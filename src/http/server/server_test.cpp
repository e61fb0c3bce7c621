// The server through real sockets: what only shows with time, cuts and several connections.
#include "http/server/server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <mutex>
#include <thread>

#include "http/message/sse.hpp"
#include "tests/support/test_server.hpp"
#include "tests/support/wait.hpp"

namespace market::http {
namespace {

using namespace std::chrono_literals;
using tests::broken;
using tests::Client;
using tests::echo;
using tests::slow;
using tests::slow_begun;

Task<Reply> hello(const Request& request) {
  co_return json(Status::ok, "\"" + std::string(request.remote_address) + "\"");
}
Task<Reply> document(const Request&) {
  static const auto text = std::make_shared<const std::string>(3'000'000, 'd');
  Reply reply;
  reply.content_type = "text/plain";
  reply.shared_body = text;
  co_return reply;
}
Task<> ticks(Stream& stream) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (int i = 0;; ++i) {
    auto text = sse_event("tick", std::to_string(i));
    const auto sent = co_await stream.write(std::move(text));
    if (!sent) co_return sent;
    timer.expires_after(20ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
}
std::atomic<bool> flood_ended{false};
Task<> flood(Stream& stream) {
  for (;;) {
    std::string text(65536, 'f');
    const auto sent = co_await stream.write(std::move(text));
    if (sent) continue;
    flood_ended = true;
    co_return sent;
  }
}
Reply stream_reply(Task<> (*run)(Stream&)) {
  Reply reply;
  reply.content_type = event_stream_type;
  reply.stream = run;
  return reply;
}
constexpr std::size_t picture_bytes = 2 << 20;
Task<Reply> picture(const Request&) {
  Reply reply;
  reply.shared_body = std::make_shared<const std::string>(picture_bytes, 'p');
  co_return reply;
}
Task<Reply> tick_stream(const Request&) {
  co_return stream_reply(ticks);
}
Task<Reply> flood_stream(const Request&) {
  co_return stream_reply(flood);
}

class ServerTest : public tests::TestServer {
 protected:
  ServerTest() {
    router.add(Method::get, "/hello", hello);
    router.add(Method::post, "/echo", echo);
    router.add(Method::get, "/slow", slow);
    router.add(Method::get, "/broken", broken);
    router.add(Method::get, "/document", document);
    router.add(Method::get, "/picture", picture);
    router.add(Method::get, "/ticks", tick_stream);
    router.add(Method::get, "/flood", flood_stream);
    limits.head_time_max = 300ms;
    limits.request_time_max = 500ms;
    limits.idle_time_max = 700ms;
    limits.send_time_max = 300ms;
    limits.drain_time_max = 2s;
  }
};

constexpr std::string_view get_hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

/// Reads so many bytes every 20 ms of a picture; how many have come when `done` or at their end.
std::size_t read_slowly(Client& client, std::size_t at_once, const std::function<bool(std::size_t)>& done) {
  std::string buffer(at_once, '\0');
  std::size_t got = 0;
  while (!done(got)) {
    const auto count = ::recv(client.fd(), buffer.data(), at_once, 0);
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
    std::this_thread::sleep_for(20ms);
  }
  return got;
}

TEST_F(ServerTest, AReaderWhoTakesALittleNowAndThenIsHungUpOn) {
  constexpr std::string_view get_picture = "GET /picture HTTP/1.1\r\nHost: a\r\n\r\n";
  limits.idle_time_max = 10s;
  start();
  Client patient(port);
  patient.send(get_picture);
  const auto has_all = [](std::size_t got) { return got >= picture_bytes; };
  EXPECT_GE(read_slowly(patient, 64 * 1024, has_all), picture_bytes);
  Client crawling(port, 4096);
  crawling.send(get_picture);
  ASSERT_TRUE(tests::wait([&] { return server->open_connections() == 2; }));
  // 25 kB a second at most: 8 kB of the 16 KiB in 300 ms. What the system has taken already goes on to come.
  const auto until = std::chrono::steady_clock::now() + 4s;
  read_slowly(crawling, 500, [&](std::size_t) {
    return server->open_connections() == 1 || std::chrono::steady_clock::now() > until;
  });
  EXPECT_EQ(server->open_connections(), 1u) << "the patient one";
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  Client client(port);
  std::string many;
  for (int i = 0; i < 500; ++i) {
    const auto body = std::to_string(i) + ".";
    many += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  client.send(many + "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto answer = client.receive_all();
  std::size_t at = 0;
  for (int i = 0; i < 500; ++i) {
    at = answer.find("\r\n\r\n" + std::to_string(i) + ".", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_TRUE(answer.ends_with("\"slow\""));
}

TEST_F(ServerTest, SendsEarlierAnswersWhileALaterHandlerWaits) {
  start();
  Client client(port);
  client.send(std::string(get_hello) + "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto first = client.receive_until("127.0.0.1");
  EXPECT_EQ(first.find("slow"), std::string::npos);
  EXPECT_NE(client.receive_until("slow").find("slow"), std::string::npos);
}

TEST_F(ServerTest, TakesARequestByteByByte) {
  limits.head_time_max = limits.request_time_max = 5s;
  start();
  Client client(port);
  for (const char c : std::string_view("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n")) {
    client.send({&c, 1});
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(client.receive_until("[]").ends_with("[]"));
}

TEST_F(ServerTest, TakesABodyLargerThanItsBuffers) {
  start();
  const std::string body = "\"" + std::string(900'000, 'b') + "\"";
  const auto answer =
      ask("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
          "Content-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(answer.ends_with(body));
}

TEST_F(ServerTest, AsksForAnExpectedBody) {
  start();
  Client client(port);
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: "
      "100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{}");
  EXPECT_TRUE(client.receive_until("{}").ends_with("{}"));
}

TEST_F(ServerTest, HeadHasTheLengthAndNoBody) {
  start();
  const auto answer = ask("HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 11\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(ServerTest, AnExceptionIsA500WithoutItsText) {
  start();
  const auto answer =
      ask("GET /broken HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: mine\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(answer.find("secret"), std::string::npos);
  EXPECT_NE(answer.find("X-Request-Id: mine\r\n"), std::string::npos);
}

TEST_F(ServerTest, SharedBodiesAreSentWholeAndCompressedWhenAsked) {
  limits.send_time_max = 5s;
  start();
  const auto plain = ask("GET /document HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(plain.size() - plain.find("\r\n\r\n") - 4, 3'000'000u);
  const auto packed =
      ask("GET /document HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_NE(packed.find("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_LT(packed.size(), 10'000u);
}

TEST_F(ServerTest, ClosesSlowHeadsBodiesAndIdleConnections) {
  start();
  Client head(port), body(port), idle(port);
  head.send("GET /hello HTTP/1.1\r\nHo");
  body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{");
  EXPECT_TRUE(head.receive_all().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(body.receive_all().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(idle.closes_within(2s));
  Client alive(port);
  alive.send(get_hello);
  EXPECT_TRUE(alive.receive_until("127.0.0.1").starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, ClosesAPeerThatNeverReads) {
  start();
  flood_ended = false;
  Client client(port);
  client.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(tests::wait([] { return flood_ended.load(); }));
}

TEST_F(ServerTest, StreamsUntilThePeerLeaves) {
  start();
  {
    Client client(port);
    client.send("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.receive_until("data: 3\n").find("Transfer-Encoding: chunked"), std::string::npos);
  }
  EXPECT_TRUE(tests::wait([&] { return server->open_connections() == 0; }));
}

TEST_F(ServerTest, DrainsAnswersStreamsAndIdleConnections) {
  limits.drain_time_max = limits.head_time_max = limits.idle_time_max = 20s;
  start();
  const int before = slow_begun;
  Client idle(port), busy(port), stream(port);
  busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  stream.send("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n");
  stream.receive_until("data: 1\n");
  // What the server has not read yet when it stops it need not answer.
  ASSERT_TRUE(tests::wait([&] { return slow_begun > before && server->open_connections() == 3; }));
  const auto began = std::chrono::steady_clock::now();
  server->stop();
  EXPECT_TRUE(idle.closes_within(5s));
  const auto answer = busy.receive_all();
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\"slow\""));
  EXPECT_TRUE(stream.receive_all().ends_with("0\r\n\r\n"));
  EXPECT_FALSE(Client(port).connected());
  ::shutdown(busy.fd(), SHUT_RDWR);
  ::shutdown(idle.fd(), SHUT_RDWR);
  runner.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 15s)
      << "it waits for its connections, not for the limit";
}

TEST_F(ServerTest, CapsConnectionsOfOneAddress) {
  limits.connections_per_address_max = 3;
  limits.idle_time_max = 10s;
  start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(port));
    clients.back()->send(get_hello);
    EXPECT_TRUE(clients.back()->receive_until("127.0.0.1").starts_with("HTTP/1.1 200 "));
  }
  EXPECT_TRUE(Client(port).closes_within(1s));
  clients.pop_back();
  ASSERT_TRUE(tests::wait([&] { return server->open_connections() <= 2; }));
  Client next(port);
  next.send(get_hello);
  EXPECT_TRUE(next.receive_until("127.0.0.1").starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, HandsItsSocketToASuccessor) {
  start();
  const int kept = ::dup(server->listening_fds().front());
  stop();
  Client waiting(port);  // In the queue: nobody accepts now, nobody refuses.
  ASSERT_TRUE(waiting.connected());
  waiting.send(get_hello);
  Server successor(router, clock, limits, 1);
  successor.adopt(kept);
  std::thread running([&] { successor.run(); });
  EXPECT_TRUE(waiting.receive_until("127.0.0.1").starts_with("HTTP/1.1 200 "));
  successor.stop();
  running.join();
}

TEST_F(ServerTest, RefusesATakenAddressAndCountsAnswers) {
  start();
  Server second(router, clock, limits, 1);
  EXPECT_THROW(second.listen("127.0.0.1", port), std::runtime_error);
  ask("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ask("GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  std::string text;
  for (const auto& count : server->route_counts())
    text += count.route + " " + std::to_string(count.status) + " " + std::to_string(count.count) + "; ";
  EXPECT_EQ(text, "unmatched 404 1; GET /hello 200 1; ");
}

/// What a handler waits for that another thread answers: the gate, a pool.
struct LateAnswer {
  std::mutex mutex;
  std::function<void()> complete;
  bool is_awaited() {
    const std::lock_guard lock(mutex);
    return complete != nullptr;
  }
};
Task<Reply> answer_late(LateAnswer& late) {
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&late](auto handler) {
        const auto executor = asio::get_associated_executor(handler);
        const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const std::lock_guard lock(late.mutex);
        late.complete = [shared, executor] {
          asio::post(executor, [shared]() mutable { std::move (*shared)(); });
        };
      },
      asio::use_awaitable);
  co_return json(Status::ok, "1");
}

/// A drain that was forced leaves handlers behind whose answer comes yet: it is posted to a context that
/// stands.
TEST_F(ServerTest, ContextsStandUntilTheServerGoes) {
  LateAnswer late;
  router.add(Method::get, "/late", [&late](const Request&) { return answer_late(late); });
  limits.drain_time_max = 100ms;
  start();
  Client client(port);
  client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(tests::wait([&] { return late.is_awaited(); }));
  stop();  // run() has returned; the server is still there.
  std::thread([&late] { late.complete(); }).join();
  late.complete = nullptr;
  server.reset();
}

/// The head decides: the body of somebody who may not send it is not waited for.
TEST_F(ServerTest, AHeadIsJudgedBeforeALongBody) {
  RouteOptions signed_in;
  signed_in.head_check = [](const Request& request) -> Result<> {
    if (request.has_header("Authorization")) return {};
    return fail(Code::unauthenticated, "sign in first");
  };
  router.add(
      Method::post, "/echo2", [](const Request& r) { return echo(r); }, signed_in);
  start();
  const std::string head =
      "POST /echo2 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n";
  Client stranger(port);
  stranger.send(head + "\r\n[");
  EXPECT_NE(stranger.receive_until("\r\n\r\n").find("401 Unauthorized"), std::string::npos);
  Client known(port);
  known.send(head + "Authorization: x\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_NE(known.receive_until("\r\n\r\n").find("100 Continue"), std::string::npos);
}

}  // namespace
}  // namespace market::http
