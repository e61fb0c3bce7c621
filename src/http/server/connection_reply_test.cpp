// What the server says by itself before a body is there, of a head that it refuses, and of one answer in two
// forms.

#include <gtest/gtest.h>

#include <tuple>

#include "http/server/server.hpp"
#include "tests/support/test_server.hpp"

namespace market::http {
namespace {

using namespace std::chrono_literals;
using tests::Client;
using tests::echo;

Task<Reply> tagged(const Request&) {
  Reply reply = json(Status::ok, std::string(3'000, ' '));
  reply.headers.push_back({"ETag", "\"7.open\""});
  co_return reply;
}
Task<std::optional<Reply>> decide_ahead(const Request& request) {
  std::optional<Reply> answer;
  if (request.header("x-may") == "no") answer = json(static_cast<Status>(403), std::string(50'000, ' '));
  if (request.header("x-may") == "throws") throw std::runtime_error("a secret");
  co_return answer;
}

/// What another server said, as this status: streamed, as an event stream, or at once.
Task<> stray(Stream& to) {
  const auto sent = co_await to.write("stray");
  co_return sent;
}
Task<Reply> passed_on(const Request& request) {
  Reply reply;
  const std::string status(request.header("x-status"));
  const auto as = request.header("x-as");
  reply.status = static_cast<Status>(std::stoi(status));
  reply.forwarded.emplace().lines = "HTTP/1.1 " + status + " \r\nX-Kept: yes\r\n";
  if (as == "events") reply.forwarded->lines += "Content-Type: text/event-stream\r\n";
  if (as == "length") reply.forwarded->stream_length = 5;
  if (as == "body")
    reply.body = "stray";
  else
    reply.stream = stray;
  co_return reply;
}

/// The server's end of a connection.
std::atomic<std::uint16_t> reader_port;
int fd_to_reader() {
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && peer.sin_family == AF_INET &&
        ntohs(peer.sin_port) == reader_port)
      return fd;
  }
  return -1;
}
/// Its last bytes fill what the system holds for a reader who takes nothing yet: no more goes into their
/// packet, and none has room behind it.
Task<> until_full(Stream& to) {
  const int fd = fd_to_reader(), much = 1 << 20, little = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
  const auto sent = co_await to.write(std::string(100'000, 'p'));
  if (!sent) co_return sent;
  constexpr std::string_view last = "1\r\nx\r\n";
  const auto count = ::send(fd, last.data(), last.size(), MSG_EOR | MSG_DONTWAIT);
  EXPECT_EQ(count, static_cast<ssize_t>(last.size()));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
  co_return Result<>();
}
Task<Reply> filling(const Request&) {
  Reply reply;
  reply.forwarded.emplace().lines = "HTTP/1.1 200 \r\n";
  reply.stream = until_full;
  co_return reply;
}
std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class AnswersTest : public tests::TestServer {
 protected:
  AnswersTest() {
    router.add(Method::post, "/echo", echo);
    router.add(Method::get, "/tagged", tagged);
    router.add(Method::get, "/passed", passed_on);
    router.add(Method::get, "/filling", filling);
    limits.request_time_max = 500ms;
  }
  /// Each answer says whose origin it was told.
  void start_telling() {
    start([this] {
      server->set_amend([](const Request& asked, Reply& reply) {
        reply.headers.push_back({"X-Origin", std::string(asked.header("origin"))});
      });
    });
  }
};

/// A browser reads a refusal only with its CORS fields, and they depend on Origin: also of a head that is
/// refused before, or for, the line that says it.
TEST_F(AnswersTest, ARefusedHeadStillTellsItsOrigin) {
  limits.request_line_bytes_max = 1000;
  limits.head_bytes_max = 4000;
  limits.head_fields_max = 20;
  start_telling();
  const std::string rest = " HTTP/1.1\r\nHost: a\r\n", origin = "Origin: https://b.example\r\n";
  const std::string known = "X-Origin: https://b.example\r\n";
  const auto fields = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text += "X-" + std::to_string(i) + ": " + std::string(100, 'v') + "\r\n";
    return text;
  };
  struct Case {
    const char* status;
    std::string head;
    bool told;
  };
  const Case cases[] = {
      {"414", "GET /" + std::string(1500, 'a') + rest + origin + "\r\n", true},
      {"414", "GET /" + std::string(30'000, 'a') + rest + origin + "\r\n", true},
      {"414", "GET /" + std::string(70'000, 'a') + rest + origin + "\r\n", false},
      {"414", "GET /" + std::string(1500, 'a') + rest + origin + origin + "\r\n", false},
      {"505", "GET / HTTP/2.0\r\nHost: a\r\n" + origin + "\r\n", true},
      {"505", "GET / HTTP/3.1\r\n\r\n" + origin + "\r\n", false},
      {"431", "GET /" + rest + fields(30) + origin + "\r\n", true},
      {"431", "GET /" + rest + "X: " + std::string(20'000, 'v') + "\r\n" + origin + "\r\n", true},
      {"400", "GET /a|<b> HTTP/1.1\r\nHost: a\r\n" + origin + "\r\n", true},
      {"400", "GET /" + rest + "Bad Name: 1\r\n" + origin + "\r\n", true},
      {"400", "GET / HTTP/1.1\r\n" + origin + "\r\n", true},
      {"417", "GET /" + rest + "Expect: x\r\n" + origin + "\r\n", true},
      {"501", "BREW /" + rest + origin + "\r\n", true},
      {"405", "TRACE /" + rest + origin + "\r\n", true},
  };
  for (const auto& one : cases) {
    Client client(port);
    client.send(one.head);
    const auto answer = client.receive_all();
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + one.status)) << answer.substr(0, 80);
    EXPECT_EQ(answer.find(known) != std::string::npos, one.told) << one.head.substr(0, 60) << answer;
  }
  // Packet by packet, and one that never ends.
  Client slow(port);
  slow.send("GET /" + std::string(1500, 'a') + rest);
  std::this_thread::sleep_for(100ms);
  slow.send(origin);
  EXPECT_EQ(slow.receive_until("\r\n\r\n").find(known) != std::string::npos, true);
  Client endless(port);
  endless.send("GET / HTTP/9.9\r\nHost: a\r\n");
  EXPECT_TRUE(endless.receive_until("\r\n\r\n").starts_with("HTTP/1.1 505"));
}

/// The buffer has grown, and moved, since the head was read.
TEST_F(AnswersTest, ARefusedBodyStillTellsItsOrigin) {
  start_telling();
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nOrigin: https://b.example\r\n";
  for (const std::string length :
       {"Content-Length: 900000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nffff\r\n"}) {
    Client client(port);
    client.send(head + length + std::string(1000, '['));
    std::this_thread::sleep_for(50ms);
    client.send(std::string(40'000, '['));
    const auto answer = client.receive_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
    EXPECT_NE(answer.find("X-Origin: https://b.example\r\n"), std::string::npos) << answer;
  }
}

/// Among routes that share the requests it is the same one's.
TEST_F(AnswersTest, ARefusalIsOfWhatWasDrawnForItsRequest) {
  std::atomic<std::uint64_t> drawn = 0;
  RouteOptions options;
  options.body_limit = [&drawn](const Request& asked) {
    drawn = asked.random;
    return std::size_t{10};
  };
  router.add(
      Method::post, "/drawn", [](const Request& r) { return echo(r); }, options);
  start([this] {
    server->set_amend([](const Request& asked, Reply& reply) {
      reply.headers.push_back({"X-Drawn", std::to_string(asked.random)});
    });
  });
  const auto answer =
      ask("POST /drawn HTTP/1.1\r\nHost: a\r\nOrigin: https://b.example\r\n"
          "Content-Length: 99\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
  EXPECT_NE(answer.find("\r\nX-Drawn: " + std::to_string(drawn) + "\r\n"), std::string::npos) << answer;
}

/// A gateway knows by the id that the refusal is the answer to its request.
TEST_F(AnswersTest, ARefusalHasTheIdOfAHeadThatWasUnderstood) {
  start();
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Request-Id: mine\r\n";
  const std::tuple<const char*, std::string, bool> cases[] = {
      {"413", "Content-Length: 99999999\r\n\r\n", true},
      {"408", "Content-Length: 900000\r\n\r\n" + std::string(20'000, '['), true},
      {"408", "Transfer-Encoding: chunked\r\n\r\nffff\r\n" + std::string(20'000, '['), true},
      {"400", "Transfer-Encoding: chunked\r\n\r\nx\r\n", true},
      {"400", "Content-Length: a\r\n\r\n", false},
  };
  for (const auto& [status, rest, told] : cases) {
    Client client(port);
    client.send(head + rest);
    const auto answer = client.receive_all();
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status)) << answer.substr(0, 80);
    EXPECT_EQ(answer.find("X-Request-Id: mine\r\n") != std::string::npos, told) << answer;
  }
}

TEST_F(AnswersTest, WhoWaitsWithABodyIsToldTheFinalAnswerThatAnotherHasDecided) {
  RouteOptions asked;
  asked.ask_ahead = decide_ahead;
  router.add(
      Method::post, "/echo3", [](const Request& r) { return echo(r); }, asked);
  start();
  const std::string head =
      "POST /echo3 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
  Client refused(port);
  refused.send(head + "Expect: 100-continue\r\nX-May: no\r\n\r\n");
  const auto answer = refused.receive_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer.substr(0, 80);
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 50'000u) << "whole, though it is long";
  Client failed(port);
  failed.send(head + "Expect: 100-continue\r\nX-May: throws\r\n\r\n");
  EXPECT_TRUE(failed.receive_all().starts_with("HTTP/1.1 500 "));
  Client may(port);
  may.send(head + "Expect: 100-continue\r\nX-May: yes\r\n\r\n");
  EXPECT_EQ(may.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  may.send("{}");
  EXPECT_TRUE(may.receive_until("{}").ends_with("{}"));
  may.send(head + "X-May: no\r\n\r\n[]");
  EXPECT_TRUE(may.receive_until("[]").ends_with("[]")) << "nobody waits: it is asked with its body";
}

/// The tag of a compressed answer names that form alone, and is as strong as the other.
TEST_F(AnswersTest, BothFormsOfAnAnswerHaveTagsOfTheirOwn) {
  start();
  const auto asked = [&](const std::string& fields) {
    return ask("GET /tagged HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n");
  };
  const std::string gzip = "Accept-Encoding: gzip\r\n", own = "ETag: \"7.open\"\r\n",
                    packed = "ETag: \"7.open-gzip\"\r\n";
  EXPECT_NE(asked("").find(own), std::string::npos);
  EXPECT_NE(asked(gzip).find(packed), std::string::npos);
  struct Case {
    std::string fields, status, tag;
  };
  for (const auto& one : {Case{"If-None-Match: \"7.open\"\r\n", "304", own},
                          Case{gzip + "If-None-Match: \"7.open-gzip\"\r\n", "304", packed},
                          Case{gzip + "If-None-Match: W/\"7.open-gzip\"\r\n", "304", packed},
                          Case{gzip + "If-None-Match: \"7.open\"\r\n", "200", packed},
                          Case{"If-None-Match: \"7.open-gzip\"\r\n", "200", own}}) {
    const auto answer = asked(one.fields);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + one.status)) << one.fields << answer.substr(0, 200);
    EXPECT_NE(answer.find(one.tag), std::string::npos) << one.fields << answer.substr(0, 400);
  }
}

/// RFC 9112 6.3: the client takes whatever follows such a head for its next answer.
TEST_F(AnswersTest, AStatusWithoutABodyEndsWithItsHeadHoweverTheAnswerComes) {
  start();
  for (const std::string status : {"204", "304", "205"})
    for (const std::string as : {"stream", "events", "length", "body"}) {
      const std::string head = "GET /passed HTTP/1.1\r\nHost: a\r\nX-As: ";
      Client client(port);
      client.send(head + as + "\r\nX-Status: " + status + "\r\n\r\n" + head +
                  "body\r\nX-Status: 200\r\nConnection: close\r\n\r\n");
      const auto answers = client.receive_all();
      const auto end = answers.find("\r\n\r\n");
      ASSERT_NE(end, std::string::npos) << status << " " << as;
      const auto first = answers.substr(0, end + 2), rest = answers.substr(end + 4);
      EXPECT_TRUE(first.starts_with("HTTP/1.1 " + status)) << first;
      EXPECT_EQ(count_of(first, "\r\nContent-Length: 0\r\n"), status == "205" ? 1u : 0u) << first;
      EXPECT_EQ(count_of(first, "\r\nContent-Length: "), status == "205" ? 1u : 0u) << first;
      EXPECT_EQ(first.find("Transfer-Encoding"), std::string::npos) << first;
      EXPECT_TRUE(rest.starts_with("HTTP/1.1 200")) << status << " " << as << ": " << rest;
      EXPECT_EQ(count_of(answers, "stray"), 1u) << answers;
    }
}

/// Without its last chunk a body is one that broke off.
TEST_F(AnswersTest, TheEndOfALongAnswerWaitsForItsReader) {
  start();
  Client reader(port, 4096);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ASSERT_EQ(::getsockname(reader.fd(), reinterpret_cast<sockaddr*>(&own), &size), 0);
  reader_port = ntohs(own.sin_port);
  reader.send("GET /filling HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  std::this_thread::sleep_for(200ms);
  const auto answer = reader.receive_all();
  EXPECT_TRUE(answer.ends_with("p\r\n1\r\nx\r\n0\r\n\r\n")) << answer.size();
}

}  // namespace
}  // namespace market::http
