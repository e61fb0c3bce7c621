#include "services/gateway/coalescer.hpp"

#include <gtest/gtest.h>

#include "services/gateway/event_fan.hpp"

namespace market::gateway {
namespace {

http::Request asks(std::vector<http::HeaderView> fields) {
  http::Request request;
  request.method = http::Method::get;
  request.target = request.path = "/products";
  request.headers.assign(fields.begin(), fields.end());
  return request;
}

TEST(CoalescingKey, IsTheSameForWhatBrowsersAndProxiesSayBesides) {
  const auto plain = coalescing_key(asks({{"Host", "shop"}, {"Accept", "*/*"}}));
  EXPECT_FALSE(plain.empty());
  EXPECT_EQ(coalescing_key(asks({{"Host", "shop"},
                                 {"User-Agent", "a"},
                                 {"Accept", "*/*"},
                                 {"Connection", "keep-alive"},
                                 {"Sec-Fetch-Mode", "cors"},
                                 {"sec-ch-ua", "x"},
                                 {"Referer", "https://shop/"},
                                 {"X-Request-Id", "1"},
                                 {"traceparent", "00"},
                                 {"tracestate", "a=b"},
                                 {"Via", "1.1 cdn"},
                                 {"Forwarded", "for=1"},
                                 {"X-Forwarded-For", "192.0.2.1"}})),
            plain);
}

TEST(CoalescingKey, DiffersWithWhatAnswersDependOn) {
  std::vector<std::string> keys;
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"Host", "a"},
                                                        {"Host", "b"},
                                                        {"Accept", "a"},
                                                        {"Accept-Encoding", "a"},
                                                        {"Accept-Language", "a"},
                                                        {"Accept-Language", "b"},
                                                        {"Cache-Control", "no-cache"},
                                                        {"Pragma", "no-cache"},
                                                        {"X-Forwarded-Host", "a"},
                                                        {"X-Forwarded-Proto", "https"}}) {
    keys.push_back(coalescing_key(asks({{name, value}})));
    EXPECT_FALSE(keys.back().empty()) << name;
  }
  keys.push_back(coalescing_key(asks({{"Accept", "a"}, {"Accept", "b"}})));
  auto other = asks({{"Host", "a"}});
  other.target = other.path = "/orders";
  keys.push_back(coalescing_key(other));
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(keys[i], keys[j]);
}

TEST(CoalescingKey, IsEmptyForWhoeverSaysWhoHeIsOrWhatNobodyKnows) {
  for (const char* name :
       {"Authorization", "Cookie", "X-Api-Key", "X-Tenant", "api-key", "Range", "If-None-Match",
        "If-Modified-Since", "Origin", "Last-Event-ID", "Content-Type", "X-Forwarded", "Upgrade", "se", "A"})
    EXPECT_EQ(coalescing_key(asks({{name, "a"}})), "") << name;
  EXPECT_EQ(coalescing_key(asks({{"Accept", "text/event-stream"}})), "");
  for (const char* value : {"accept-language", "keep-alive, accept", "close ,\tHost", "upgrade", ", x"})
    EXPECT_EQ(coalescing_key(asks({{"Connection", value}})), "")
        << value << ": the key says what is not sent on";
  for (const char* value : {"", "Keep-Alive", "close", "close , keep-alive", " ,close,"})
    EXPECT_NE(coalescing_key(asks({{"Connection", value}})), "") << value;
  auto other = asks({});
  other.body = "a";
  EXPECT_EQ(coalescing_key(other), "");
  other = asks({});
  other.method = http::Method::head;
  EXPECT_EQ(coalescing_key(other), "");
}

TEST(SharedAnswers, HaveNoCookie) {
  EXPECT_FALSE(sets_cookie("HTTP/1.1 200 OK\r\nA: set-cookie: a=b\r\nX-Set-Cookie: a\r\n"));
  for (const char* name : {"Set-Cookie", "set-cookie", "SET-cookie"}) {
    const auto lines = std::string("HTTP/1.1 200 OK\r\nA: b\r\n") + name + ": a=b\r\nC: d\r\n";
    EXPECT_TRUE(sets_cookie(lines)) << name;
    EXPECT_EQ(without_cookies(lines), "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n");
    EXPECT_EQ(EventFan(nullptr, {lines, {}}).head().lines, without_cookies(lines));
  }
}

}  // namespace
}  // namespace market::gateway
