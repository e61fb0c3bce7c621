// Independent requests of one connection: worked on together, answered in turn.
#include <gtest/gtest.h>

#include <thread>

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
using tests::wait;

class PipeliningTest : public tests::TestServer {
 protected:
  PipeliningTest() {
    router.add(Method::get, "/hello", [](const Request&) { return echo_text("hello"); });
    router.add(Method::post, "/echo", echo);
    router.add(Method::post, "/slow", slow);
    router.add(Method::post, "/broken", broken);
    limits.idle_time_max = 700ms;
    limits.drain_time_max = 2s;
  }
  static Task<Reply> echo_text(std::string text) { co_return json(Status::ok, text); }
};

std::string independent_post(std::string_view path, std::string_view body = "[]") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nX-Independent: 1\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST_F(PipeliningTest, WorksOnIndependentRequestsTogetherAndAnswersInTurn) {
  start();
  Client client(port);
  std::string many;
  for (int i = 0; i < 20; ++i) {
    many += independent_post("/slow");
    many += independent_post("/echo", "\"" + std::to_string(i) + "\"");
  }
  many += independent_post("/nowhere") + independent_post("/broken");
  const auto began = std::chrono::steady_clock::now();
  client.send(many + "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto answer = client.receive_all();
  // 42 requests, 32 of them at once: two rounds of 300 ms, where one by one would be 6 s.
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  std::size_t at = 0;
  for (int i = 0; i < 20; ++i) {
    at = answer.find("\"slow\"", at);
    ASSERT_NE(at, std::string::npos) << i;
    at = answer.find("\r\n\r\n\"" + std::to_string(i) + "\"", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_NE(answer.find(" 404 ", at), std::string::npos);
  EXPECT_NE(answer.find(" 500 ", at), std::string::npos);
  EXPECT_TRUE(answer.ends_with("hello"));
}

/// A gateway of ours writes the security lines itself; whoever else sends its field gets them all.
TEST_F(PipeliningTest, AnswersToAGatewayLeaveOutWhatItSays) {
  const std::string request =
      independent_post("/echo") + "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const std::vector<Network> somebody{Network("127.0.0.1")};
  // Any other proxy passes on what its clients invent.
  for (const auto& [proxies, trusted] : {std::pair(somebody, true), {somebody, false}, {{}, false}}) {
    limits.trusted_proxies = proxies;
    limits.trusted_are_gateways = trusted;
    start();
    Client client(port);
    client.send(request);
    const auto answers = client.receive_all();
    const auto second = answers.find("HTTP/1.1 ", 1);
    ASSERT_NE(second, std::string::npos) << answers;
    EXPECT_EQ(answers.substr(0, second).find("nosniff") == std::string::npos, trusted) << answers;
    EXPECT_NE(answers.substr(0, second).find("Date: "), std::string::npos);
    EXPECT_NE(answers.find("nosniff", second), std::string::npos) << "a plain request's answer has them";
    stop();
  }
}

TEST_F(PipeliningTest, EarlierOfIndependentRequestsAreAnsweredWhileALaterHandlerWaits) {
  start();
  Client client(port);
  client.send(independent_post("/echo", "\"first\"") + independent_post("/slow"));
  const auto first = client.receive_until("first");
  EXPECT_EQ(first.find("slow"), std::string::npos);
  EXPECT_NE(client.receive_until("\"slow\"").find("slow"), std::string::npos);
}

TEST_F(PipeliningTest, ReadsOnWhileOthersAreUnderWay) {
  start();
  Client client(port);
  const auto began = std::chrono::steady_clock::now();
  const auto request = independent_post("/slow");
  for (int i = 0; i < 5; ++i) {  // In two pieces each: what is not whole yet waits for its rest.
    client.send(std::string_view(request).substr(0, request.size() / 2));
    std::this_thread::sleep_for(20ms);
    client.send(std::string_view(request).substr(request.size() / 2));
  }
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto answer = client.receive_all();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1200ms);  // One by one: 1.5 s.
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answer.find("\"slow\"", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 5u);
  EXPECT_TRUE(answer.ends_with("hello"));
}

TEST_F(PipeliningTest, AStopAnswersAllIndependentRequestsUnderWay) {
  start();
  const int before = slow_begun;
  Client client(port);
  client.send(independent_post("/slow") + independent_post("/slow") + independent_post("/slow"));
  ASSERT_TRUE(wait([before] { return slow_begun == before + 3; }));
  server->stop();
  const auto answer = client.receive_all();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answer.find("\"slow\"", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 3u);
  // Only the last one says so: whoever reads it knows that all were answered.
  EXPECT_GT(answer.find("Connection: close"), answer.rfind("HTTP/1.1 200"));
}

TEST_F(PipeliningTest, AClientThatLeavesIndependentRequestsHurtsNobody) {
  start();
  {
    const int before = slow_begun;
    Client client(port);
    client.send(independent_post("/slow") + independent_post("/echo") + independent_post("/slow"));
    ASSERT_TRUE(wait([before] { return slow_begun == before + 2; }));
  }
  Client next(port);
  next.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(next.receive_until("hello").find("200 OK"), std::string::npos);
  EXPECT_TRUE(wait([&] { return server->open_connections() == 1; }));
}

TEST_F(PipeliningTest, WhatIsNotPlainAmongIndependentRequestsIsReadInItsTurn) {
  start();
  Client client(port);
  client.send(independent_post("/echo", "1") + independent_post("/echo", "2") +
              "POST /echo HTTP/1.1\r\nHost: a\r\nX-Independent: 1\r\nContent-Type: application/json\r\n"
              "Transfer-Encoding: chunked\r\n\r\n1\r\n3\r\n0\r\n\r\n" +
              independent_post("/echo", "4") + "no HTTP\r\n\r\n" + independent_post("/echo", "5"));
  const auto answer = client.receive_all();
  for (const char* part : {"\r\n\r\n1HTTP", "\r\n\r\n2HTTP", "\r\n\r\n3HTTP", "\r\n\r\n4HTTP", " 400 "})
    EXPECT_NE(answer.find(part), std::string::npos) << part << answer;
  EXPECT_EQ(answer.find("\r\n\r\n5"), std::string::npos);
}

}  // namespace
}  // namespace market::http
