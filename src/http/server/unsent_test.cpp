// What is on its way to a reader who takes nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "http/server/server.hpp"
#include "tests/support/test_server.hpp"
#include "tests/support/wait.hpp"

namespace market::http {
namespace {

using tests::Client;

/// Whether the system holds something unsent of `port`, also of a connection that the process has closed.
bool holds_unsent(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  std::string line, place, local, remote, state, queues;
  const auto ours = fmt::format(":{:04X}", port);
  while (std::getline(table, line)) {
    std::istringstream(line) >> place >> local >> remote >> state >> queues;
    if (local.ends_with(ours) && state != "0A" && !queues.starts_with("00000000")) return true;
  }
  return false;
}

class UnsentTest : public tests::TestServer {
 protected:
  UnsentTest() {
    router.add(Method::get, "/large", large);
    router.add(Method::get, "/small", small);
    limits.idle_time_max = Millis(700);
    limits.send_time_max = Millis(300);
  }
  static Task<Reply> large(const Request&) {
    Reply reply;
    reply.shared_body = std::make_shared<const std::string>(2 << 20, 'p');
    co_return reply;
  }
  static Task<Reply> small(const Request&) { co_return json(Status::ok, "{}"); }
};

TEST_F(UnsentTest, WhatAReaderDoesNotTakeIsKeptNotMuchLongerThanHisConnection) {
  start();
  const auto is_over = [this] { return server->open_connections() == 0 && !holds_unsent(port); };
  Client stuck(port, 4096);
  stuck.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(tests::wait([&] { return holds_unsent(port); }));
  EXPECT_TRUE(tests::wait(is_over));
  // Answers that are all with the system when their connection is closed, idle as it is.
  Client idle(port, 4096);
  std::string many;
  for (int i = 0; i < 500; ++i) many += "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";
  idle.send(many);
  ASSERT_TRUE(tests::wait([&] { return holds_unsent(port); }));
  EXPECT_TRUE(tests::wait(is_over, Millis(10'000)));
}

}  // namespace
}  // namespace market::http
