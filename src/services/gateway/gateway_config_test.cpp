#include "services/gateway/gateway_config.hpp"

#include <gtest/gtest.h>

#include "http/message/head_parser.hpp"
#include "http/message/normal_path.hpp"
#include "services/gateway/forwarded_message.hpp"

namespace market::gateway {
namespace {

Route route(const char* id, std::vector<const char*> paths) {
  Route route;
  route.id = id;
  for (const char* path : paths) route.paths.emplace_back(path);
  return route;
}

/// A shop: some of it protected in each way there is, the rest open.
GatewayConfig shop() {
  GatewayConfig config;
  config.routes.push_back(route("public", {"/shop/account/help/**"}));
  config.routes.push_back(route("account", {"/shop/account/**", "/shop/me"}));
  config.routes.back().authenticated = true;
  config.routes.push_back(route("admin", {"/shop/{name}/admin", "/shop/*.key"}));
  config.routes.back().authenticated = true;
  config.routes.push_back(route("hidden", {"/shop/hidden/**"}));
  config.routes.back().answer = FixedAnswer{403, "", "", ""};
  config.routes.push_back(route("login", {"/shop/login"}));
  config.routes.back().address_rate = RateLimit{1, 2};
  config.routes.push_back(route("docs", {"/shop/docs"}));
  config.routes.back().answer = FixedAnswer{308, "", "", "/shop/docs/"};
  config.routes.push_back(route("open", {"/shop/**"}));
  config.complete();
  return config;
}

/// The route's id; "-": none.
std::string taken(const GatewayConfig& config, std::string_view path) {
  http::Request request;
  const auto normal = http::normal_path(path);
  if (!normal) return "-";
  request.path = *normal;
  const auto* const found = config.match(request, "192.0.2.1", Instant(), 0);
  return found ? found->id : "-";
}

struct Spelling {
  const char *path, *route;
};
const Spelling spellings[] = {
    // In plain words.
    {"/shop/account", "account"},
    {"/shop/account/", "account"},
    {"/shop/account/me", "account"},
    {"/shop/account/help/faq", "public"},
    {"/shop/me", "account"},
    {"/shop/blue/admin", "admin"},
    {"/shop/x.key", "admin"},
    {"/shop/hidden/x", "hidden"},
    {"/shop/login", "login"},
    {"/shop/docs", "docs"},
    {"/shop/docs/", "open"},
    {"/shop", "open"},
    {"/shop/", "open"},
    {"/shop/accounts", "open"},
    {"/shop/a.b-c_d~e", "open"},
    {"/shop/%ED%95%9C", "open"},
    {"/shop/100%25", "open"},
    {"/shop/a;x=y/b", "open"},
    {"/shop/a%20b", "open"},
    {"/shop/a%20/b", "open"},
    {"/other", "-"},
    // Unreserved octets.
    {"/shop/%61ccount/me", "account"},
    {"/shop/%61%63%63%6F%75%6e%74/me", "account"},
    {"/%73hop/account/me", "account"},
    {"/shop/%6de", "account"},
    {"/shop/blue/%61dmin", "admin"},
    {"/shop/x%2ekey", "admin"},
    {"/shop/%68idden/x", "hidden"},
    {"/shop/log%69n", "login"},
    // Parameters.
    {"/shop/account;x/me", "account"},
    {"/shop/account;/me", "account"},
    {"/shop/account;a=b;c=d/me;e", "account"},
    {"/shop;x/account/me", "account"},
    {"/shop/me;jsessionid=1", "account"},
    {"/shop/blue;x/admin;y", "admin"},
    {"/shop/x.key;y", "admin"},
    {"/shop/x;y.key", "-"},
    {"/shop/hidden;x", "hidden"},
    {"/shop/login;x", "login"},
    {"/shop/account%3bx/me", "-"},
    {"/shop/me%3Bx", "-"},
    {"/shop/;x/account", "-"},
    // Blanks around a segment.
    {"/shop/account%20/me", "-"},
    {"/shop/%20account/me", "-"},
    {"/shop%20/account/me", "-"},
    {"/shop/me%20", "-"},
    {"/shop/me%20;x", "-"},
    {"/shop/%20/me", "-"},
    {"/shop/x/%20..%20/me", "-"},
    // Dot segments and slashes.
    {"/shop/./account/me", "account"},
    {"/shop/x/../account/me", "account"},
    {"/shop/x/%2e%2e/account/me", "account"},
    {"/shop/x/.%2E/account/me", "account"},
    {"/shop//account/me", "account"},
    {"//shop///account//me", "account"},
    {"/shop/account/../x", "open"},
    {"/shop/account/help/../me", "account"},
    {"/shop/account/help/%2e%2e/me", "account"},
    {"/shop/account/help/..;/me", "-"},
    {"/shop/x/..;/account/me", "-"},
    {"/shop/.;/account", "-"},
    {"/../shop/account", "-"},
    {"/shop%2faccount/me", "-"},
    {"/shop/account%2Fme", "-"},
    {"/shop/x%2f..%2faccount/me", "-"},
    {"/shop/x%5c..%5caccount", "-"},
    {"/shop/account/help/%5c..%5cme", "-"},
    // Case, and a last slash where the rule has none.
    {"/shop/ACCOUNT/me", "-"},
    {"/shop/Account", "-"},
    {"/SHOP/account", "-"},
    {"/shop/Account/help/faq", "open"},
    {"/shop/ME", "-"},
    {"/shop/me/", "-"},
    {"/shop/blue/Admin", "-"},
    {"/shop/blue/admin/", "-"},
    {"/shop/x.KEY", "-"},
    {"/shop/Hidden/x", "-"},
    {"/shop/Login", "-"},
    {"/shop/login/", "-"},
    {"/shop/DOCS", "open"},
    // Escapes of escapes, of ends, of what is no character.
    {"/shop/%2561ccount/me", "-"},
    {"/shop/%25%36%31ccount", "-"},
    {"/shop/x/%252e%252e/account", "-"},
    {"/shop/account%3fx", "-"},
    {"/shop/account%23x", "-"},
    {"/shop/me%00", "-"},
    {"/shop/me%0a", "-"},
    {"/shop/x/%c0%ae%c0%ae/account", "-"},
    {"/shop%c0%afaccount", "-"},
    {"/shop%e0%80%afaccount", "-"},
};
static_assert(std::size(spellings) >= 60);

TEST(GatewayConfig, NoSpellingOfAProtectedPathIsRoutedByAWeakerRule) {
  const auto config = shop();
  for (const auto& [path, id] : spellings) {
    const bool expected_none = std::string_view(path).starts_with("/SHOP");  // No route begins so.
    EXPECT_EQ(taken(config, path), expected_none ? "-" : id) << path;
  }
}

TEST(GatewayConfig, WithoutProtectionNothingButTheNormalFormCounts) {
  GatewayConfig config;
  config.routes.push_back(route("a", {"/a/**"}));
  config.routes.push_back(route("all", {"/**"}));
  config.complete();
  EXPECT_EQ(taken(config, "/A/x"), "all");
  EXPECT_EQ(taken(config, "/a;x/y"), "a");
  EXPECT_EQ(taken(config, "/%61/y"), "a");
}

TEST(GatewayConfig, WhatIsMatchedIsWhatLeaves) {
  struct Filter {
    const char* name;
    Route route;
    const char* prefix;
  };
  Route strip, prefix, rewrite;
  strip.strip_prefix = 1;
  prefix.prefix_path = "/v1";
  rewrite.rewrite = Rewrite{Pattern("^/shop/(.*)$"), "/r/\\1"};
  const Filter filters[] = {
      {"none", Route(), ""}, {"strip", strip, ""}, {"prefix", prefix, "/v1"}, {"rewrite", rewrite, "/r"}};
  for (const auto& filter : filters)
    for (const auto& [path, id] : spellings) {
      const auto normal = http::normal_path(path);
      if (!normal) continue;
      http::Request request;
      request.path = request.target = *normal;
      const auto target = forwarded_target(request, filter.route);
      ASSERT_TRUE(target) << filter.name << " " << path;
      EXPECT_EQ(http::normal_path(*target), *target) << filter.name << " " << path;
      if (http::without_parameters(*normal).starts_with("/shop/")) {
        EXPECT_TRUE(target->starts_with(filter.prefix)) << filter.name << " " << path;
      }
    }
}

TEST(GatewayConfig, AHostEndsAtItsRoot) {
  GatewayConfig config;
  config.routes.push_back(route("admin", {}));
  config.routes.back().hosts = {"admin.example"};
  config.routes.push_back(route("all", {}));
  config.complete();
  for (const char* host : {"admin.example", "ADMIN.example:8080", "admin.example.", "admin.example.:80"}) {
    const std::string head = std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n";
    http::Request request;
    http::Framing framing;
    http::Refusal refusal;
    ASSERT_EQ(http::parse_head(head, http::HeadLimits(), request, framing, refusal),
              http::HeadState::complete);
    EXPECT_EQ(config.match(request, "192.0.2.1", Instant(), 0)->id, "admin") << host;
  }
}

/// A browser asks before it sends: what the request to come will have, it only names.
TEST(GatewayConfigPreflight, IsTheRoutesOfTheRequestThatIsToCome) {
  GatewayConfig config;
  const auto add = [&config](const char* id, const char* path, bool answers = true) -> Route& {
    auto& added = config.routes.emplace_back(route(id, {path}));
    if (answers) added.cors.emplace().origins = {"https://shop.example"};
    return added;
  };
  const auto bit = [](http::Method method) { return 1u << static_cast<unsigned>(method); };
  add("writes", "/a/**").methods = bit(http::Method::post) | bit(http::Method::patch);
  add("canary", "/a/**").headers.push_back({"X-Canary", Pattern("1")});
  add("silent", "/a/secret", false).headers.push_back({"X-Secret", std::nullopt});
  add("rest", "/a/{any}");
  add("beta", "/beta/**").cookies.push_back({"beta", std::nullopt});
  add("new", "/new/**").headers.push_back({"Accept-Language", Pattern("ko.*")});
  add("ours", "/shared/**").headers.push_back({"Accept-Language", Pattern("ko.*")});
  add("json", "/shared/json").headers.push_back({"Accept", Pattern("application/json")});
  add("form", "/shared/**").headers.push_back({"content-type", Pattern("text/plain")});
  add("shared", "/shared/**");
  add("mute", "/mute/**", false).methods = bit(http::Method::get);
  config.complete();

  const auto taken = [&config](std::string_view path, std::string_view method, std::string_view fields = "",
                               std::string_view language = "") {
    http::Request request;
    request.method = http::Method::options;
    request.path = path;
    request.headers.push_back({"Origin", "https://shop.example"});
    request.headers.push_back({"Access-Control-Request-Method", method});
    request.headers.push_back({"Accept", "*/*"});
    if (!fields.empty()) request.headers.push_back({"Access-Control-Request-Headers", fields});
    if (!language.empty()) request.headers.push_back({"Accept-Language", language});
    const auto* const found = config.match(request, "192.0.2.1", Instant(), 0);
    return found ? found->id : "-";
  };
  EXPECT_EQ(taken("/a/x", "PATCH"), "writes");
  EXPECT_EQ(taken("/a/x", "DELETE"), "rest");
  EXPECT_EQ(taken("/a/x", "PURGE"), "rest");
  EXPECT_EQ(taken("/a/x", "GET", "authorization, x-canary"), "canary") << "with which value, nobody knows";
  EXPECT_EQ(taken("/a/x", "GET", "authorization"), "rest") << "it will have no such field";
  EXPECT_EQ(taken("/a/secret", "GET", "x-secret"), "rest") << "who has no words for it is sent nothing of it";
  EXPECT_EQ(taken("/a/x/y", "GET"), "canary") << "nobody else is there";
  EXPECT_EQ(taken("/beta/x", "GET"), "beta");
  EXPECT_EQ(taken("/new/x", "GET"), "new") << "browsers do not name that field";
  EXPECT_EQ(taken("/shared/x", "POST"), "ours") << "a page may set it, and announces it never";
  EXPECT_EQ(taken("/shared/x", "POST", "", "ko"), "ours");
  EXPECT_EQ(taken("/shared/json", "GET", "", "en"), "json") << "the preflight has one of its own";
  EXPECT_EQ(taken("/shared/x", "POST", "", "en"), "form");
  EXPECT_EQ(taken("/mute/x", "GET"), "-") << "it would have to be passed on, and takes no OPTIONS";

  http::Request plain;
  plain.method = http::Method::options;
  plain.path = "/beta/x";
  EXPECT_EQ(config.match(plain, "192.0.2.1", Instant(), 0), nullptr) << "OPTIONS alone is like any other";
}

}  // namespace
}  // namespace market::gateway
