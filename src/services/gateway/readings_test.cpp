#include "services/gateway/readings.hpp"

#include <gtest/gtest.h>

#include "http/message/head_parser.hpp"
#include "services/gateway/gateway_config.hpp"

namespace market::gateway {
namespace {

FieldPredicate field(const char* name, const char* pattern = nullptr) {
  FieldPredicate wanted;
  wanted.name = name;
  if (pattern) wanted.value.emplace(pattern);
  return wanted;
}

Route route(const char* id, bool authenticated) {
  Route route;
  route.id = id;
  route.authenticated = authenticated;
  return route;
}

/// Each kind of predicate protects, and one of each lets in; the last rule is open to all.
GatewayConfig config() {
  GatewayConfig config;
  config.routes.push_back(route("query", true));
  config.routes.back().query = {field("admin", "1|yes")};
  config.routes.push_back(route("any-query", true));
  config.routes.back().query = {field("debug")};
  config.routes.push_back(route("cookie", true));
  config.routes.back().cookies = {field("admin", "1")};
  config.routes.push_back(route("header", true));
  config.routes.back().headers = {field("x-admin", "1")};
  config.routes.push_back(route("host", true));
  config.routes.back().hosts = {"admin.example", "*.inner.example", "192.0.2.1", "[2001:db8::1]"};
  config.routes.push_back(route("get", true));
  config.routes.back().paths.emplace_back("/get");
  config.routes.back().methods = 1u << static_cast<unsigned>(http::Method::get);
  config.routes.push_back(route("beta", false));
  config.routes.back().paths.emplace_back("/beta");
  config.routes.back().cookies = {field("beta", "1")};
  config.routes.push_back(route("beta-else", true));
  config.routes.back().paths.emplace_back("/beta");
  config.routes.push_back(route("open", false));
  config.complete();
  return config;
}

/// The route's id; "-": none; "refused": no request.
std::string taken(const GatewayConfig& config, const std::string& line, const std::string& fields,
                  const std::string& host = "shop.example") {
  const std::string head = line + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
  http::Request request;
  http::Framing framing;
  http::Refusal refusal;
  if (http::parse_head(head, http::HeadLimits(), request, framing, refusal) != http::HeadState::complete)
    return "refused";
  const auto* const found = config.match(request, "192.0.2.9", Instant(), 0);
  return found ? found->id : "-";
}

struct Case {
  std::string line, fields;
  const char* route;
};

TEST(Readings, NoSpellingOfAProtectedQueryIsRoutedByAWeakerRule) {
  const Case cases[] = {
      {"GET /?admin=1", "", "query"},
      {"GET /?admin=yes&x=1", "", "query"},
      {"GET /?%61dmin=%31", "", "query"},
      {"GET /", "", "open"},
      {"GET /?", "", "open"},
      {"GET /?admin=2", "", "open"},
      {"GET /?admins=1", "", "open"},
      {"GET /?x=admin&y=admin%3D1", "", "open"},
      {"GET /?admin", "", "open"},
      {"GET /?debug", "", "any-query"},
      {"GET /?debug=&x", "", "any-query"},
      {"GET /?admin=1&admin=1", "", "-"},
      {"GET /?admin=1&admin=2", "", "-"},
      {"GET /?admin=2&admin=1", "", "-"},
      {"GET /?admin=2&admin=2", "", "open"},
      {"GET /?debug&debug", "", "-"},
      {"GET /?debug=%ff", "", "-"},
      {"GET /?debug=%00", "", "-"},
      {"GET /?debug=%zz", "", "refused"},
      {"GET /?admin=%ff", "", "-"},
      {"GET /?admin=%00", "", "-"},
      {"GET /?admin=1%00", "", "-"},
      {"GET /?admin=%zz", "", "refused"},
      {"GET /?admin=%", "", "refused"},
      {"GET /?admin=+1", "", "-"},
      {"GET /?admin=1%20", "", "-"},
      {"GET /?admin=%0a1", "", "-"},
      {"GET /?admin=YES", "", "-"},
      {"GET /?admin=%2531", "", "-"},
      {"GET /?ADMIN=1", "", "-"},
      {"GET /?%2561dmin=1", "", "-"},
      {"GET /?+admin=1", "", "-"},
      {"GET /?admin%00x=1", "", "-"},
      {"GET /?admin[]=1", "", "refused"},
      {"GET /?admin%5B%5D=1", "", "-"},
      {"GET /?admin%5B0%5D=1", "", "-"},
      {"GET /?x;admin=1", "", "-"},
      {"GET /?admin=1;x", "", "-"},
      {"GET /?x=1;debug", "", "-"},
      {"GET /?x=1;y=2", "", "open"},
      {"GET /?debug%ff=1", "", "-"},
      {"GET /?DEBUG", "", "-"},
  };
  const auto all = config();
  for (const auto& [line, fields, id] : cases) EXPECT_EQ(taken(all, line, fields), id) << line;
}

TEST(Readings, NoSpellingOfAProtectedCookieIsRoutedByAWeakerRule) {
  const Case cases[] = {
      {"", "Cookie: admin=1\r\n", "cookie"},
      {"", "Cookie: x=2; admin=1\r\n", "cookie"},
      {"", "cookie: x\r\nCookie: admin=1\r\n", "cookie"},
      {"", "Cookie: admin=2\r\n", "open"},
      {"", "Cookie: admins=1; x=admin\r\n", "open"},
      {"", "Cookie: admin = 1\r\n", "-"},
      {"", "Cookie: admin= 1\r\n", "-"},
      {"", "Cookie: admin =1\r\n", "-"},
      {"", "Cookie: admin\t=1\r\n", "-"},
      {"", "Cookie: admin=\"1\"\r\n", "-"},
      {"", "Cookie: admin=\"\\061\"\r\n", "-"},
      {"", "Cookie: admin=\"\\1\"\r\n", "-"},
      {"", "Cookie: admin=%31\r\n", "-"},
      {"", "Cookie: %61dmin=1\r\n", "-"},
      {"", "Cookie: ADMIN=1\r\n", "-"},
      {"", "Cookie: \"admin\"=1\r\n", "-"},
      {"", "Cookie: x=2, admin=1\r\n", "-"},
      {"", "Cookie: admin=1, x=2\r\n", "-"},
      {"", "Cookie: admin=2\r\nCookie: Admin=1\r\n", "-"},
      {"", "Cookie: x=\"a; b\"\r\n", "open"},
  };
  const auto all = config();
  for (const auto& [line, fields, id] : cases) EXPECT_EQ(taken(all, "GET /", fields), id) << fields;
  // We take any of several; another server takes one of them alone. So what one opens, another must not.
  EXPECT_EQ(taken(all, "GET /", "Cookie: admin=2; admin=1\r\n"), "cookie");
  EXPECT_EQ(taken(all, "GET /beta", "Cookie: beta=1\r\n"), "beta");
  EXPECT_EQ(taken(all, "GET /beta", "Cookie: beta=2\r\n"), "beta-else");
  EXPECT_EQ(taken(all, "GET /beta", "Cookie: beta=1; beta=2\r\n"), "-");
  EXPECT_EQ(taken(all, "GET /beta", "Cookie: beta=\"1\"\r\n"), "beta-else");
}

TEST(Readings, NoSpellingOfAProtectedHeaderIsRoutedByAWeakerRule) {
  const Case cases[] = {
      {"", "X-Admin: 1\r\n", "header"}, {"", "x-ADMIN:  1 \r\n", "header"},
      {"", "X-Admin: 2\r\n", "open"},   {"", "X-Admin: 10\r\n", "open"},
      {"", "X-Admins: 1\r\n", "open"},  {"", "X-Admin: \"1\"\r\n", "-"},
      {"", "X-Admin: 1, 1\r\n", "-"},   {"", "X-Admin: 2, 1\r\n", "-"},
      {"", "X-Admin: 1;q=1\r\n", "-"},  {"", "X-Admin: 2\r\nX-Admin: 3\r\n", "open"},
  };
  const auto all = config();
  for (const auto& [line, fields, id] : cases) EXPECT_EQ(taken(all, "GET /", fields), id) << fields;
  EXPECT_EQ(taken(all, "GET /", "X-Admin: 2\r\nX-Admin: 1\r\n"), "header");
}

TEST(Readings, NoSpellingOfAProtectedHostIsRoutedByAWeakerRule) {
  struct HostCase {
    const char *host, *route;
  };
  const HostCase cases[] = {
      {"admin.example", "host"},
      {"ADMIN.example:8080", "host"},
      {"admin.example.", "host"},
      {"admin.example.:80", "host"},
      {"x.inner.example", "host"},
      {"192.0.2.1", "host"},
      {"[2001:db8::1]:80", "host"},
      {"shop.example", "open"},
      {"admin.example.org", "open"},
      {"inner.example", "open"},
      {"192.0.2.2", "open"},
      {"[2001:db8::2]", "open"},
      {"admin.example..", "-"},
      {"x.inner.example..:80", "-"},
      {"0xC0.0.2.1", "-"},
      {"192.0.513", "-"},
      {"3221225985", "-"},
      {"0300.0.2.01", "-"},
      {"192.0.2.1..", "-"},
      {"[2001:DB8:0:0::1]", "-"},
      {"[2001:0db8:0:0:0:0:0:1]:80", "-"},
      {"admin%2eexample", "refused"},
      {"x@admin.example", "refused"},
      {"admin.example, x", "refused"},
  };
  const auto all = config();
  for (const auto& [host, id] : cases) EXPECT_EQ(taken(all, "GET /", "", host), id) << host;
}

TEST(Readings, AHeadIsAGetToMostServers) {
  const auto all = config();
  EXPECT_EQ(taken(all, "GET /get", ""), "get");
  EXPECT_EQ(taken(all, "HEAD /get", ""), "-");
  EXPECT_EQ(taken(all, "POST /get", ""), "open");
}

TEST(Readings, NothingIsDoubtedWhereNothingIsProtected) {
  GatewayConfig config;
  config.routes.push_back(route("query", false));
  config.routes.back().query = {field("beta", "1")};
  config.routes.push_back(route("open", false));
  config.complete();
  EXPECT_EQ(taken(config, "GET /?beta=1", ""), "query");
  EXPECT_EQ(taken(config, "GET /?beta=1&beta=1", ""), "open");
}

}  // namespace
}  // namespace market::gateway
