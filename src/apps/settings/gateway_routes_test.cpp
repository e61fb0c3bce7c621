#include "apps/settings/gateway_routes.hpp"

#include <gtest/gtest.h>

namespace market::apps {
namespace {

std::vector<gateway::Route> read(const std::string& text) {
  const toml::table file = toml::parse(text);
  return read_routes(*file["gateway"]["routes"].node());
}

/// The line that the operator gets for a route "a" with these members.
std::string refusal(const std::string& members) {
  try {
    read("[[gateway.routes]]\nid = 'a'\n" + members);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(GatewayRoutes, AreReadWithTheirDefaults) {
  const auto routes = read(
      "[[gateway.routes]]\nid = 'a'\nservice = 'Shop'\npath = ['/a/**', '/b/{id}']\n"
      "[[gateway.routes]]\nid = 'b'\nuri = 'http://[::1]:81'\ntimeout = '1s'\nfallback_service = 'Other'\n"
      "weight_group = 'g'\nweight = 3\n");
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].service, "shop");
  EXPECT_EQ(routes[0].paths.size(), 2u);
  EXPECT_EQ(routes[1].host, "::1");
  EXPECT_EQ(routes[1].port, 81);
  EXPECT_EQ(routes[1].fallback_service, "other");
  EXPECT_EQ(routes[1].try_timeout, Millis(1'000)) << "never longer than the whole";
  EXPECT_EQ(routes[1].weight, 3u);
}

TEST(GatewayRoutes, AMistakeNamesTheRouteAndTheMember) {
  const std::pair<const char*, const char*> wrong[] = {
      {"service = 's'\npath = '/a/{'", "path"},
      {"service = 's'\npath = 'a'", "path"},
      {"service = 's'\npath = '/metrics'", "path"},
      {"service = 's'\npath = ['/a', '/INFO/**']", "path"},
      {"service = 's'\npath = '/health/**'", "path"},
      {"service = 's'\nprefix_path = '/metrics'", "prefix_path"},
      {"service = 's'\nprefix_path = '/health'", "prefix_path"},
      {"service = 's'\nprefix_path = '/info/x'", "prefix_path"},
      {"service = 's'\nprefix_path = 'x'", "prefix_path"},
      {"service = 's'\nweight = 3", "weight"},
      {"service = 's'\nweight_group = 'g'", "weight_group"},
      {"service = 's'\nweight_group = ''\nweight = 1", "weight_group"},
      {"service = 's'\nweight_group = 'g'\nweight = 0", "weight"},
      {"service = 's'\nweight_group = 'g'\nweight = -1", "weight"},
      {"service = 's'\ntimeout = '0s'", "timeout"},
      {"service = 's'\ntimeout = '2h'", "timeout"},
      {"service = 's'\ntry_timeout = '0ms'", "try_timeout"},
      {"service = 's'\nretries = 11", "retries"},
      {"service = 's'\nbreaker = { window = '0s' }", "breaker: window"},
      {"service = 's'\nuser_rate = { per_second = 0 }", "user_rate: per_second"},
      {"service = 's'\nuser_rate = { burst = 5 }", "user_rate"},
      {"service = 's'\nuser_rate = { per_second = 1, burst = 0.5 }", "user_rate: burst"},
      {"service = 's'\nheaders = { X = '(' }", "headers"},
      {"service = 's'\nremote_address = '10.0.0.0/99'", "remote_address"},
      {"service = 's'\nrewrite = { from = '(', to = 'x' }", "rewrite: from"},
      {"service = 's'\nremove_request_headers = ['X Y']", "remove_request_headers"},
      {"service = 's'\nmethod = 'LOOK'", "method"},
      {"answer = { content_type = \"a\\r\\nb: c\" }", "answer: content_type"},
      {"redirect = { status = 304, location = '/x' }", "redirect: status"},
      {"uri = 'nope'", "uri"},
      {"uri = 'http://nope'", "uri"},
      {"uri = 'http://h:0'", "uri"},
      {"uri = 'http://h:80/path'", "uri"},
      {"uri = 'https://h:443'", "uri"}};
  for (const auto& [members, member] : wrong) {
    const auto line = refusal(members);
    EXPECT_EQ(line.find(std::string("gateway.routes \"a\": ") + member), 0u) << members << ": " << line;
  }
}

TEST(GatewayRoutes, NeedOneTargetAndAnIdOfTheirOwn) {
  EXPECT_NE(refusal("path = '/a'").find("exactly one"), std::string::npos);
  EXPECT_NE(refusal("service = 's'\nuri = 'http://h:1'").find("exactly one"), std::string::npos);
  EXPECT_NE(refusal("service = 's'\n[[gateway.routes]]\nid = 'a'\nservice = 's'").find("twice"),
            std::string::npos);
}

}  // namespace
}  // namespace market::apps
