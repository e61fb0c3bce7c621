#include "services/gateway/forwarded_message.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "http/message/ascii.hpp"

namespace market::gateway {
namespace {

http::Request parsed(std::string_view head) {
  http::Request request;
  http::Framing framing;
  http::Refusal refusal;
  EXPECT_EQ(http::parse_head(head, http::HeadLimits(), request, framing, refusal), http::HeadState::complete);
  request.request_id = "id";
  request.trace_id = "0af7651916cd43dd8448eb211c80319c";
  return request;
}

std::string forwarded(std::string_view head, const Route& route = {}, std::string_view client = "1.2.3.4") {
  const auto request = parsed(head);
  Hop hop;
  hop.client = client;
  hop.peer = "1.2.3.4";
  hop.host = request.header("Host");
  hop.span_id = "b7ad6b7169203331";
  hop.left_ms = 900;
  hop.name = "7";
  std::string out;
  append_forwarded_request(out, request, route, *forwarded_target(request, route), "10.0.0.1:80", hop, false);
  return out;
}

TEST(ForwardedRequest, TellsOurOwnServicesTheClientAlone) {
  Route route;
  route.service = "fake";
  constexpr std::string_view head = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_NE(forwarded(head, route, "7.7.7.7").find("\r\nX-Forwarded-For: 7.7.7.7, 1.2.3.4\r\n"),
            std::string::npos);
  route.service = "market-user";
  EXPECT_NE(forwarded(head, route, "7.7.7.7").find("\r\nX-Forwarded-For: 7.7.7.7\r\n"), std::string::npos);
}

TEST(ForwardedRequest, IsWrittenAnew) {
  EXPECT_EQ(forwarded("GET http://shop/a?b HTTP/1.1\r\nHost: x\r\nX: y\r\nX-Forwarded-For: 6.6.6.6\r\n"
                      "Connection: close, Z\r\nZ: 1\r\nA_B: 1\r\nUpgrade: h2c\r\n\r\n"),
            "GET /a?b HTTP/1.1\r\nHost: 10.0.0.1:80\r\nX: y\r\nX-Forwarded-For: 1.2.3.4\r\n"
            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: shop\r\nVia: 1.1 market-7\r\nX-Request-Id: id\r\n"
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n"
            "X-Request-Timeout-Ms: 900\r\n\r\n");
}

/// What is judged here must be what the instance gets.
TEST(ForwardedRequest, IsJudgedWithoutTheFieldsThatConnectionNames) {
  const std::string head = "GET /a HTTP/1.1\r\nHost: x\r\n", who = "Authorization: a\r\nMarket-User: 1\r\n";
  for (const std::string named : {"close", "Keep-Alive", "upgrade", "keep-alive, Upgrade,, close", ""})
    EXPECT_FALSE(names_fields(parsed(head + who + "Connection: " + named + "\r\n\r\n"))) << named;
  auto request = parsed(head + who +
                        "Connection: close, authorization\r\nCookie: a=b\r\n"
                        "X-Forwarded-For: 1.1.1.1\r\nconnection: Market-USER,host,x-forwarded-for\r\n\r\n");
  ASSERT_TRUE(names_fields(request));
  drop_named_fields(request);
  for (const char* gone : {"Authorization", "Market-User"}) EXPECT_FALSE(request.has_header(gone)) << gone;
  for (const char* stays : {"Host", "Cookie", "Connection", "X-Forwarded-For"})
    EXPECT_TRUE(request.has_header(stays)) << stays;
}

/// By which servers behind a proxy let a caller say who he is, what he asks for, or through whom they call.
TEST(ForwardedRequest, NobodySaysInAnotherWayWhoHeIs) {
  for (const std::string name : {"X-Real-IP",
                                 "Client-IP",
                                 "X-Client-IP",
                                 "True-Client-IP",
                                 "CF-Connecting-IP",
                                 "Fastly-Client-IP",
                                 "X-Cluster-Client-IP",
                                 "X-Originating-IP",
                                 "X-Remote-IP",
                                 "X-Remote-Addr",
                                 "Forwarded",
                                 "X-Forwarded",
                                 "X-Forwarded-Prefix",
                                 "X-User-Name",
                                 "X-Original-URL",
                                 "X-Original-Host",
                                 "X-Rewrite-URL",
                                 "X-Host",
                                 "X-HTTP-Method-Override",
                                 "X-HTTP-Method",
                                 "X-Method-Override",
                                 "Proxy",
                                 "X-Independent",
                                 "X-Decided-Here",
                                 "X_Real_IP"}) {
    const auto out = forwarded("GET / HTTP/1.1\r\nHost: x\r\n" + name + ": 6.6.6.6\r\nX: y\r\n\r\n");
    EXPECT_EQ(out.find("6.6.6.6"), std::string::npos) << name;
    EXPECT_NE(out.find("X: y"), std::string::npos);
  }
}

TEST(ForwardedRequest, TheHeadThatGoesAheadHasTheLengthThatWillCome) {
  Hop hop;
  hop.asks = true;
  const auto asked = [&hop](const char* framing) {
    const std::string head = std::string("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n") + framing;
    const auto request = parsed(head);
    std::string out;
    append_forwarded_request(out, request, {}, "/", "10.0.0.1:80", hop, false);
    EXPECT_EQ(out.find("Expect: 100-continue\r\n"), out.rfind("Expect: "));
    EXPECT_NE(out.find("Expect: "), std::string::npos);
    return out;
  };
  const auto known = asked("Content-Length: 4096\r\n\r\n"),
             chunked = asked("Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(known.find("Content-Length: 4096\r\n"), known.rfind("Content-Length: "));
  EXPECT_EQ(known.find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(chunked.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(chunked.find("Content-Length"), std::string::npos);
}

TEST(ForwardedRequest, TwoConnectionFieldsCountAsOneList) {
  const auto out = forwarded(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: A\r\nConnection: B\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n");
  EXPECT_EQ(out.find("\r\nA: "), std::string::npos);
  EXPECT_EQ(out.find("\r\nB: "), std::string::npos);
  EXPECT_NE(out.find("\r\nC: "), std::string::npos);
}

TEST(ForwardedRequest, OfAStreamForAllSaysNotWhoAsks) {
  const auto request = parsed(
      "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: A\r\nCookie: b\r\nLast-Event-ID: c\r\nX: y\r\n\r\n");
  for (const bool anonymous : {false, true}) {
    Hop hop;
    hop.anonymous = anonymous;
    std::string out;
    append_forwarded_request(out, request, {}, "/", "10.0.0.1:80", hop, false);
    for (const char* field : {"Authorization: ", "Cookie: ", "Last-Event-ID: "})
      EXPECT_EQ(out.find(field) == std::string::npos, anonymous) << field;
    EXPECT_NE(out.find("X: y"), std::string::npos);
  }
}

TEST(ForwardedRequest, SaysWhichCopyOfTheRequestItIs) {
  const auto request = parsed(
      "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\n"
      "Market-Request: 00000000000000000000000000000001;copy=7\r\n\r\n");
  for (const int copy : {0, 1, 3}) {
    Hop hop;
    hop.request_hi = 0xAB;
    hop.request_lo = 0xCD;
    hop.copy = copy;
    std::string out;
    append_forwarded_request(out, request, {}, "/api/v1/orders", "10.0.0.1:80", hop, false);
    EXPECT_EQ(out.find("copy=7"), std::string::npos) << "a client's own is taken away";
    const auto field =
        "market-request: 00000000000000ab00000000000000cd;copy=" + std::to_string(copy) + "\r\n";
    EXPECT_EQ(out.find(field) != std::string::npos, copy > 0) << out;
  }
}

TEST(ForwardedTarget, FollowsTheFilters) {
  const auto request = parsed("GET /a/b/c?q HTTP/1.1\r\nHost: x\r\n\r\n");
  Route route;
  route.strip_prefix = 2;
  EXPECT_EQ(*forwarded_target(request, route), "/c?q");
  route.strip_prefix = 9;
  EXPECT_EQ(*forwarded_target(request, route), "/?q");
  route.strip_prefix = 0;
  route.prefix_path = "/p";
  EXPECT_EQ(*forwarded_target(request, route), "/p/a/b/c?q");
  route.prefix_path.clear();
  route.rewrite = Rewrite{Pattern("^/a/(.*)$"), "/z/\\1"};
  EXPECT_EQ(*forwarded_target(request, route), "/z/b/c?q");
}

TEST(ForwardedTarget, NeverLeadsInside) {
  Route route;
  route.strip_prefix = 1;
  for (const char* head :
       {"GET /a/metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a/eureka/apps HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a/%69nfo HTTP/1.1\r\nHost: x\r\n\r\n"})
    EXPECT_FALSE(forwarded_target(parsed(head), route)) << head;
}

TEST(ForwardedAnswer, DropsTheConnectionsFieldsAndAddsSecurity) {
  http::ResponseHead head;
  std::string_view problem;
  ASSERT_EQ(http::parse_response_head("HTTP/1.1 207 Many\r\nServer: x\r\nConnection: Y\r\nY: 1\r\nZ: 2\r\n"
                                      "Cache-Control: max-age=1\r\nX-Decided-Here: 1\r\n"
                                      "Content-Length: 0\r\n\r\n",
                                      http::HeadLimits(), false, head, problem),
            http::HeadState::complete);
  http::Reply reply;
  set_forwarded_answer(reply, head, Route(), false, false, {});
  const auto& lines = reply.forwarded->lines;
  EXPECT_TRUE(lines.starts_with("HTTP/1.1 207 \r\nZ: 2\r\nCache-Control: max-age=1\r\n")) << lines;
  EXPECT_NE(lines.find("X-Content-Type-Options: nosniff"), std::string::npos);
  for (const char* gone : {"Server", "Connection", "Y:", "Content-Length", "no-store", "Decided"})
    EXPECT_EQ(lines.find(gone), std::string::npos) << gone;
}

TEST(ForwardedAnswer, ASecurityFieldThatARouteSetsStandsOnce) {
  http::ResponseHead head;
  std::string_view problem;
  ASSERT_EQ(
      http::parse_response_head("HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 0\r\n\r\n",
                                http::HeadLimits(), false, head, problem),
      http::HeadState::complete);
  Route route;
  route.set_response_headers = {{"cache-control", "public"},
                                {"Content-Security-Policy", "default-src 'self'"}};
  http::Reply reply;
  set_forwarded_answer(reply, head, route, false, false, {});
  const auto& lines = reply.forwarded->lines;
  for (const char* gone : {"private", "no-store", "default-src 'none'"})
    EXPECT_EQ(lines.find(gone), std::string::npos) << lines;
  EXPECT_NE(lines.find("cache-control: public\r\n"), std::string::npos) << lines;
  EXPECT_NE(lines.find("Referrer-Policy: no-referrer\r\n"), std::string::npos) << lines;
}

TEST(ForwardedAnswer, ASecurityFieldThatARouteRemovesIsNotAdded) {
  http::ResponseHead head;
  std::string_view problem;
  ASSERT_EQ(http::parse_response_head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", http::HeadLimits(),
                                      false, head, problem),
            http::HeadState::complete);
  Route route;
  route.remove_response_headers = {"content-security-policy"};
  http::Reply reply;
  set_forwarded_answer(reply, head, route, false, false, {});
  const auto& lines = reply.forwarded->lines;
  EXPECT_EQ(lines.find("Content-Security-Policy"), std::string::npos) << lines;
  EXPECT_NE(lines.find("Referrer-Policy: no-referrer\r\n"), std::string::npos) << lines;
}

TEST(ForwardedAnswer, ARoutesStatusIsNoSwitchOfProtocolsAndNeedsNoLengthWithout) {
  http::ResponseHead head;
  std::string_view problem;
  Route route;
  route.set_status = 204;
  http::Reply reply;
  ASSERT_EQ(http::parse_response_head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", http::HeadLimits(),
                                      true, head, problem),
            http::HeadState::complete);
  set_forwarded_answer(reply, head, route, true, false, {});
  EXPECT_TRUE(reply.forwarded->lines.starts_with("HTTP/1.1 204 ")) << reply.forwarded->lines;
  EXPECT_EQ(reply.forwarded->lines.find("Content-Length"), std::string::npos) << "RFC 9110 8.6";
  head.status = 101;
  set_forwarded_answer(reply, head, route, false, false, {});
  EXPECT_EQ(static_cast<int>(reply.status), 101) << "the socket's bytes would be an answer's";
  EXPECT_TRUE(reply.forwarded->lines.starts_with("HTTP/1.1 101 ")) << reply.forwarded->lines;
}

TEST(ForwardedAnswer, HasOneDate) {
  const auto dates = [](const std::string& fields, const Route& route) {
    http::ResponseHead head;
    std::string_view problem;
    const std::string text = "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 0\r\n\r\n";
    EXPECT_EQ(http::parse_response_head(text, http::HeadLimits(), false, head, problem),
              http::HeadState::complete);
    http::Reply reply;
    set_forwarded_answer(reply, head, route, false, false, "Date: now\r\n");
    std::string found;
    std::istringstream lines(reply.forwarded->lines);
    for (std::string line; std::getline(lines, line);)
      if (http::same_letters(line.substr(0, 5), "date:")) found += line.substr(6);
    return found;
  };
  Route sets, removes;
  sets.set_response_headers = {{"Date", "route's"}};
  removes.remove_response_headers = {"Date"};
  EXPECT_EQ(dates("", Route()), "now\r");
  EXPECT_EQ(dates("date: service's\r\n", Route()), "service's\r");
  EXPECT_EQ(dates("date: service's\r\n", sets), "route's\r");
  EXPECT_EQ(dates("", sets), "route's\r");
  EXPECT_EQ(dates("date: service's\r\n", removes), "now\r") << "it is not the route's";
}

}  // namespace
}  // namespace market::gateway
