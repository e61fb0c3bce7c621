#include "http/message/head_parser.hpp"

#include <gtest/gtest.h>

#include "http/message/chunked.hpp"
#include "http/message/compression.hpp"
#include "http/message/conditional.hpp"
#include "http/message/paging.hpp"
#include "http/message/problem.hpp"
#include "http/message/reply_writer.hpp"
#include "http/message/sse.hpp"
#include "http/message/target.hpp"
#include "http/message/trace.hpp"

namespace market::http {
namespace {

struct Parsed {
  HeadState state;
  Request request;
  Framing framing;
  Refusal refusal;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  parsed.state = parse_head(text, HeadLimits(), parsed.request, parsed.framing, parsed.refusal);
  return parsed;
}

TEST(HeadParser, ReadsAWholeHead) {
  const auto parsed =
      parse("POST /api/v1/orders?x=1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 2\r\nX-A: \t b c \r\n\r\n{}");
  ASSERT_EQ(parsed.state, HeadState::complete);
  EXPECT_EQ(parsed.request.method, Method::post);
  EXPECT_EQ(parsed.request.path, "/api/v1/orders");
  EXPECT_EQ(parsed.request.query, "x=1");
  EXPECT_EQ(parsed.request.header("x-a"), "b c");
  EXPECT_EQ(parsed.framing.content_length, 2u);
  EXPECT_TRUE(parsed.framing.keep_alive);
}

TEST(HeadParser, EveryPrefixIsIncomplete) {
  const std::string head =
      "GET http://h/a?b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 0123456789abcdef0123456789\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size)
    EXPECT_EQ(parse(std::string_view(head).substr(0, size)).state, HeadState::incomplete) << size;
  EXPECT_EQ(parse(head).state, HeadState::complete);
}

TEST(HeadParser, TheHostOfAnAbsoluteTargetBeatsTheField) {
  const auto parsed = parse("GET http://target:81/a HTTP/1.1\r\nX: y\r\nhost: other\r\n\r\n");
  ASSERT_EQ(parsed.state, HeadState::complete);
  EXPECT_EQ(parsed.request.header("host"), "target:81");
  EXPECT_EQ(parsed.request.path, "/a");
  EXPECT_EQ(parse("GET http://target/a HTTP/1.1\r\nHost: not a host\r\n\r\n").state, HeadState::refused);
}

TEST(HeadParser, FindsAControlCharacterAtEveryPlaceOfALongValue) {
  for (std::size_t place = 0; place < 40; ++place) {
    std::string value(40, 'v');
    value[place] = '\x01';
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n").state, HeadState::refused)
        << place;
    value[place] = '\t';
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n").state, HeadState::complete)
        << place;
    value[place] = '\x80';
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n").state, HeadState::complete)
        << place;
  }
}

TEST(HeadParser, KeepAliveFollowsVersionAndConnection) {
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n").framing.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").framing.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").framing.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").framing.keep_alive);
}

TEST(Chunked, DecodesWhateverTheCuts) {
  const std::string text = "4;a=b\r\nwiki\r\n005\r\npedia\r\n0\r\nX-A: b\r\n\r\nGET";
  for (std::size_t step = 1; step < text.size(); ++step) {
    ChunkedDecoder decoder(100);
    std::string body;
    std::size_t at = 0;
    auto state = ChunkedDecoder::State::more;
    while (state == ChunkedDecoder::State::more && at < text.size()) {
      std::size_t used = 0;
      state = decoder.feed(std::string_view(text).substr(at, step), body, used);
      at += used;
    }
    EXPECT_EQ(state, ChunkedDecoder::State::done) << step;
    EXPECT_EQ(body, "wikipedia");
    EXPECT_EQ(text.substr(at), "GET");
  }
}

TEST(Chunked, RefusesABodyBeyondItsLimit) {
  ChunkedDecoder decoder(8);
  std::string body;
  std::size_t used = 0;
  EXPECT_EQ(decoder.feed("4\r\nwiki\r\n5\r\npedia\r\n", body, used), ChunkedDecoder::State::refused);
  EXPECT_EQ(decoder.refusal().status, Status::payload_too_large);
}

TEST(Hosts, AreNamesAndAddresses) {
  for (const auto good : {"a", "a.b", "1.2.3.4:80", "[::1]", "[2001:db8::1]:443", "a:", "a_b-c"})
    EXPECT_TRUE(is_valid_host(good)) << good;
  for (const auto bad :
       {"", ":1", "a b", "a:b", "a:1:2", "[::1", "[]", "[1.2.3.4]", "a@b", "a/b", "a:123456"})
    EXPECT_FALSE(is_valid_host(bad)) << bad;
}

TEST(Conditional, ComparesTagsWeakly) {
  for (const auto list : {"\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b,\" , W/\"a\"", "*"})
    EXPECT_TRUE(etag_list_names(list, "\"a\"")) << list;
  for (const auto list :
       {"", "a", "\"A\"", "\"b\"", "\"a", "\"b\"x\"a\"", "\"a\" x", "*, \"a\"", "\"a\" \"b\""})
    EXPECT_FALSE(etag_list_names(list, "\"a\"")) << list;
  Request request;
  EXPECT_EQ(if_match(request, "a"), IfMatch::absent);
  request.headers.push_back({"If-Match", "\"b\""});
  EXPECT_EQ(if_match(request, "a"), IfMatch::fails);
  for (const auto list : {"W/\"a\"", "W/\"a.open\", \"b\"", "W/\"W/a\""}) {
    request.headers.back().value = list;
    EXPECT_EQ(if_match(request, "a"), IfMatch::fails) << list << ": no weak tag (RFC 9110 13.1.1)";
  }
  request.headers.push_back({"if-match", "W/\"a\", \"a.open-gzip\""});
  EXPECT_EQ(if_match(request, "a"), IfMatch::holds);
  for (const auto list :
       {"bad", "", "\"a", "a\"", "W/a", "w/\"a\"", "\"a b\"", "\"a\" \"b\"", "*, \"a\"", "**"}) {
    request.headers[1].value = list;
    EXPECT_EQ(if_match(request, "a"), IfMatch::malformed) << list;
  }
}

TEST(Query, NamesTheParameterThatIsWrong) {
  Request request;
  const auto field = [](const auto& result) {
    return result ? std::string() : result.error().extras->fields.at(0).field;
  };
  const std::pair<const char*, const char*> unknown[] = {{"limit=1&colour=red", "colour"},
                                                         {"x-y", "x-y"},
                                                         {"%6cimit=1", ""},
                                                         {"a%3Cb=1", "?"},
                                                         {"%zz=1", "?"},
                                                         {"=1", "?"},
                                                         {"limit=1&&", ""},
                                                         {"LIMIT=1", "LIMIT"}};
  const std::array<std::string_view, 1> known{"limit"};
  for (const auto& [query, name] : unknown) {
    request.query = query;
    EXPECT_EQ(field(request.expect_query(known)), name) << query;
  }
  for (const char* query : {"search=%00", "search=%ff", "search=a%00b", "search=%ED%A0%80", "search=%F0%9F",
                            "search=%4", "search=a&search=b"}) {
    request.query = query;
    EXPECT_EQ(field(request.query_parameter("search")), "search") << query;
  }
  request.query = "search=%ED%95%9C+a%26";
  EXPECT_EQ(**request.query_parameter("search"), "한 a&");
}

TEST(Compression, IsOnlyUsedWhenAllowed) {
  for (const auto list : {"gzip", "br, gzip;q=0.5", "*", "identity, GZIP", "gzip;q=0.001",
                          "identity;q=0, gzip;q=0.1", "identity;q=0.5, *;q=0.5", "gzip;q=none"})
    EXPECT_TRUE(accepts_gzip(list)) << list;
  for (const auto list : {"", "br", "gzip;q=0", "*;q=0.0", "*, gzip; q=0", "identity, gzip;q=0.9",
                          "gzip;q=0.1, identity;q=0.101", "gzip;q=0.000"})
    EXPECT_FALSE(accepts_gzip(list)) << list;
  EXPECT_TRUE(accepts_coding("gzip, deflate, br", "br"));
  EXPECT_FALSE(accepts_coding("gzip, br;q=0", "br"));
  GzipCache cache;
  const auto body = std::make_shared<const std::string>(10'000, 'x');
  EXPECT_EQ(cache.of(body), cache.of(body));
  EXPECT_LT(cache.of(body)->size(), 100u);
}

TEST(Trace, TakesOnlySaneIds) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(trace_id_of(good), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace_id_of(good + "-x"), "");
  EXPECT_EQ(trace_id_of("01" + good.substr(2) + "-x"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace_id_of("ff" + good.substr(2)), "");
  EXPECT_EQ(trace_id_of("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(trace_id_of("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"), "");
  EXPECT_TRUE(is_sane_request_id("a-B_9."));
  EXPECT_FALSE(is_sane_request_id("a b"));
  EXPECT_FALSE(is_sane_request_id(std::string(65, 'a')));
}

TEST(Problems, CarryWhatTheApiPromises) {
  ErrorExtras extras;
  extras.opens_at = "2026-11-24T01:22:03.004Z";
  const auto reply = problem_reply(Error(Code::sale_not_open, "wait \"a bit\"", extras), "abc");
  EXPECT_EQ(reply.body, R"({"type":"/problems/sale_not_open","title":"Sale not open yet","status":409,)"
                        R"("detail":"wait \"a bit\"","code":"sale_not_open","traceId":"abc",)"
                        R"("opensAt":"2026-11-24T01:22:03.004Z"})");
  const auto wrong =
      problem_reply(invalid_field("items[0].quantity", "range", "must be 1 to 1000").value(), "abc");
  EXPECT_NE(wrong.body.find(
                R"("errors":[{"field":"items[0].quantity","code":"range","detail":"must be 1 to 1000"}])"),
            std::string::npos);
  for (const Code code : {Code::internal, Code::conflict, Code::unavailable, Code::insufficient_storage})
    EXPECT_EQ(problem_reply(Error(code, "/secret/path"), "t").body.find("secret"), std::string::npos);
  EXPECT_EQ(problem_reply(Error(Code::overloaded, "x"), "t").headers[0].name, "Retry-After");
  EXPECT_EQ(problem_reply(Error(Code::unauthenticated, "x"), "t").headers[0].name, "WWW-Authenticate");
}

TEST(Queries, DecodeAndRefuse) {
  Request request;
  request.query = "a=1&b=x%20y+z&c&d=%zz&e=1&e=2";
  EXPECT_EQ(**request.query_parameter("b"), "x y z");
  EXPECT_EQ(**request.query_parameter("c"), "");
  EXPECT_EQ(*request.query_parameter("f"), std::nullopt);
  EXPECT_EQ(request.query_parameter("d").error().code, Code::validation);
  EXPECT_EQ(request.query_parameter("e").error().code, Code::validation);
  request.query = "limit=101";
  EXPECT_EQ(page_of(request).error().code, Code::validation);
  request.query = "limit=100";
  EXPECT_EQ(page_of(request)->limit, 100);
}

TEST(Queries, ACursorBelongsToItsListAndFilters) {
  Request request;
  request.path = "/orders";
  request.query = "state=paid&limit=5&userId=7";
  const std::string cursor = cursor_of(request, "abc");
  const auto read = [&](std::string_view path, const std::string& query) {
    request.path = path;
    request.query = query;
    const auto page = page_of(request);
    return page ? page->cursor : std::string("refused");
  };
  EXPECT_EQ(read("/orders", "userId=7&&limit=9&state=paid&cursor=" + cursor), "abc");
  EXPECT_EQ(read("/orders", "cursor=" + cursor), "refused");
  EXPECT_EQ(read("/orders", "userId=8&state=paid&cursor=" + cursor), "refused");
  EXPECT_EQ(read("/users", "userId=7&state=paid&cursor=" + cursor), "refused");
  EXPECT_EQ(read("/orders", "userId=7&state=paid&cursor=abc"), "refused");
  EXPECT_EQ(read("/orders", "userId=7&state=paid&cursor=" + cursor.substr(0, cursor.size() - 3)), "refused");
}

TEST(Heads, KeepForgedFieldsOutAndLetHandlersReplaceStandardOnes) {
  StandardLines standard;
  standard.set_time(Instant(std::chrono::milliseconds(784'111'777'123)));
  Reply reply = json(Status::ok, "{}");
  reply.headers.push_back({"cache-control", "max-age=60"});
  reply.headers.push_back({"X-Bad", "a\r\nSet-Cookie: b"});
  std::string out;
  HeadNeeds needs;
  needs.request_id = "r";
  append_head(out, reply, needs, standard);
  EXPECT_NE(out.find("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), std::string::npos);
  EXPECT_EQ(out.find("no-store"), std::string::npos);
  EXPECT_NE(out.find("cache-control: max-age=60\r\n"), std::string::npos);
  EXPECT_NE(out.find("nosniff"), std::string::npos);
  EXPECT_EQ(out.find("Set-Cookie"), std::string::npos);
}

TEST(Sse, SplitsLines) {
  EXPECT_EQ(sse_event("e", "a\nb", "7"), "event: e\nid: 7\ndata: a\ndata: b\n\n");
}

}  // namespace
}  // namespace market::http
