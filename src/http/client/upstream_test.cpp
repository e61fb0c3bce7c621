#include "http/client/upstream.hpp"

#include <gtest/gtest.h>

#include <array>

#include "http/server/io_thread.hpp"
#include "tests/support/test_server.hpp"

namespace market::http {
namespace {

using namespace std::chrono_literals;

/// Where the calls of this test go. Of one test at a time.
struct Target {
  std::string host = "127.0.0.1", fallback;
  std::uint16_t port = 0;
  std::size_t connections_max = 16, body_bytes = 0;
  Lane lane = Lane::alone;
  std::chrono::milliseconds silence_max = 300ms;
};
Target target;

/// What became of one call: its outcome, and what came of its body.
Task<Reply> call_upstream(const Request&) {
  IoThread& thread = *IoThread::current();
  if (!thread.part) {
    UpstreamLimits limits;
    limits.event_silence_max = target.silence_max;
    limits.connections_max = target.connections_max;
    thread.part = std::make_unique<Upstreams>(thread, limits);
  }
  auto& upstream =
      static_cast<Upstreams&>(*thread.part).at(target.host, target.port, nullptr, target.fallback);
  Call call;
  const std::string body(target.body_bytes, 'b');
  call.head = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  call.body = body;
  call.lane = target.lane;
  call.deadline_ms = thread.now_ms() + 2'000;
  co_await upstream.exchange(call);
  std::string told = std::to_string(static_cast<int>(call.outcome));
  if (call.outcome == Outcome::answered) told.append(call.response_body);
  while (call.stream) {
    const auto piece = co_await call.stream->next();
    told.append(piece ? *piece : " broke off");
    if (!piece || piece->empty()) call.stream.reset();
  }
  Reply reply;
  reply.content_type = "text/plain";
  reply.body = std::move(told);
  co_return reply;
}

/// Nothing else happens on its thread meanwhile.
Task<Reply> block(const Request&) {
  std::this_thread::sleep_for(300ms);
  co_return json(Status::ok, "\"blocked\"");
}

std::string told(Outcome outcome, std::string_view body = {}) {
  return std::to_string(static_cast<int>(outcome)).append(body);
}

/// Answers one request after the other with the same bytes, and keeps the connections.
class Answering {
 public:
  Answering(const char* address, std::string answer, std::chrono::milliseconds after = 0ms)
      : answer_(std::move(answer)), after_(after), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &at.sin_addr);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    target.port = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Answering() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (const int peer : peers_) ::close(peer);
  }
  /// To the newest one, who has not asked for it.
  void say(std::string_view text) {
    [[maybe_unused]] const auto sent = ::send(newest_, text.data(), text.size(), MSG_NOSIGNAL);
  }

 private:
  void serve() {
    for (;;) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      peers_.push_back(peer);
      newest_ = peer;
      char buffer[4096];
      if (::recv(peer, buffer, sizeof buffer, 0) <= 0) continue;
      std::this_thread::sleep_for(after_);
      [[maybe_unused]] const auto sent = ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }
  const std::string answer_;
  const std::chrono::milliseconds after_;
  const int listener_;
  std::vector<int> peers_;
  std::atomic<int> newest_ = -1;
  std::thread thread_;
};

class UpstreamTest : public tests::TestServer {
 protected:
  UpstreamTest() {
    target = Target();
    router.add(Method::get, "/call", call_upstream);
    router.add(Method::get, "/block", block);
    start();
  }
  std::string call() {
    const auto answer = ask("GET /call HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? answer : answer.substr(end + 4);
  }
};

TEST_F(UpstreamTest, AnEventStreamThatIsSilentForTooLongEnds) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
  const Answering frozen("127.0.0.1", head + "Content-Type: text/event-stream\r\n\r\n9\r\ndata: 1\n\n\r\n");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(call(), told(Outcome::streamed, "data: 1\n\n broke off"));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 250ms);
}

TEST_F(UpstreamTest, WhoWaitsForAConnectionGetsOneWhenAStreamBegins) {
  target.connections_max = 1;
  target.silence_max = 1'500ms;
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
  const Answering frozen("127.0.0.1", head + "Content-Type: text/event-stream\r\n\r\n9\r\ndata: 1\n\n\r\n",
                         100ms);
  const auto read = [this] { EXPECT_EQ(call(), told(Outcome::streamed, "data: 1\n\n broke off")); };
  const auto began = std::chrono::steady_clock::now();
  std::array<std::thread, 3> readers;  // Two of them on the same thread at least.
  for (auto& reader : readers) reader = std::thread(read);
  for (auto& reader : readers) reader.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2 * target.silence_max) << "one after the other";
}

/// What is left of its body would stand before the next request.
TEST_F(UpstreamTest, AConnectionThatWasAnsweredTooEarlyIsNotUsedAgain) {
  target.body_bytes = 32 << 20;
  const Answering early("127.0.0.1", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  tests::Client client(port);  // One connection: one thread, and its upstreams.
  for (const char* said : {"first", "second"}) {
    client.send("GET /call HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client.receive_until("ok").ends_with(told(Outcome::answered, "ok"))) << said;
  }
}

/// The request is taken and the late answer comes in one turn of the loop, at whose end requests leave.
TEST_F(UpstreamTest, WhatCameBeforeARequestHasLeftIsNotItsAnswer) {
  target.lane = Lane::safe;
  Answering late("127.0.0.1", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  tests::Client client(port);
  client.send("GET /call HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.receive_until("ok").ends_with(told(Outcome::answered, "ok")));
  client.send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(100ms);
  client.send("GET /call HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  late.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate");
  const auto answer = client.receive_all();
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + told(Outcome::not_processed))) << answer;
}

TEST_F(UpstreamTest, AnotherAddressIsTriedWhereNobodyListens) {
  const Answering answering("127.0.0.2", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  target.host = "localhost";
  EXPECT_EQ(call(), told(Outcome::not_connected));
  target.fallback = "127.0.0.2";
  EXPECT_EQ(call(), told(Outcome::answered, "ok")) << "the registered address, last";
  target.host = "127.0.0.1";
  target.fallback.clear();
  EXPECT_EQ(call(), told(Outcome::not_connected));
}

}  // namespace
}  // namespace market::http
