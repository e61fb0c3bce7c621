#include "http/client/response_parser.hpp"

#include <gtest/gtest.h>

namespace market::http {
namespace {

struct Parsed {
  HeadState state;
  ResponseHead head;
  std::string_view problem;
};

Parsed parse(std::string_view input, bool answers_head = false) {
  Parsed parsed{HeadState::incomplete, {}, {}};
  parsed.state = parse_response_head(input, HeadLimits(), answers_head, parsed.head, parsed.problem);
  return parsed;
}

TEST(ResponseParser, TakesAnOrdinaryAnswer) {
  const auto parsed = parse("HTTP/1.1 201 Created\r\nContent-Length: 5\r\nLocation: /x\r\n\r\nhello");
  ASSERT_EQ(parsed.state, HeadState::complete);
  EXPECT_EQ(parsed.head.status, 201);
  EXPECT_EQ(parsed.head.body, BodyEnd::length);
  EXPECT_EQ(parsed.head.content_length, 5u);
  EXPECT_EQ(parsed.head.header("location"), "/x");
  EXPECT_TRUE(parsed.head.keep_alive);
}

TEST(ResponseParser, WaitsForEveryMissingByte) {
  const std::string_view whole = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  for (std::size_t i = 0; i < whole.size(); ++i)
    EXPECT_EQ(parse(whole.substr(0, i)).state, HeadState::incomplete) << i;
  EXPECT_EQ(parse(whole).state, HeadState::complete);
}

TEST(ResponseParser, FindsTheEndOfTheBody) {
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").head.body, BodyEnd::chunked);
  const auto closing = parse("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(closing.head.body, BodyEnd::close);
  EXPECT_FALSE(closing.head.keep_alive);
  EXPECT_EQ(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").head.body, BodyEnd::no_body);
  const auto to_head = parse("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true);
  EXPECT_EQ(to_head.head.body, BodyEnd::no_body);
  EXPECT_EQ(to_head.head.content_length, 9u);
  EXPECT_FALSE(parse("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\n").head.keep_alive);
}

TEST(ResponseParser, RefusesDoubt) {
  const std::string_view wrong[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\x01\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 999 What\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
      "\r\nHTTP/1.1 200 OK\r\n\r\n",
  };
  for (const auto input : wrong) {
    const auto parsed = parse(input);
    EXPECT_EQ(parsed.state, HeadState::refused) << input;
    EXPECT_FALSE(parsed.problem.empty()) << input;
  }
}

TEST(ResponseParser, BoundsTheHead) {
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'a')).state, HeadState::refused);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 101; ++i) many += "X: a\r\n";
  EXPECT_EQ(parse(many + "\r\n").state, HeadState::refused);
}

TEST(ResponseParser, FindsTokensInLists) {
  EXPECT_TRUE(list_has("keep-alive, Upgrade", "upgrade"));
  EXPECT_FALSE(list_has("upgraded", "upgrade"));
  EXPECT_FALSE(list_has("", "close"));
}

}  // namespace
}  // namespace market::http
