#include "apps/settings/gateway_settings.hpp"

#include <gtest/gtest.h>

#include "apps/settings/gateway_routes.hpp"

namespace market::apps {
namespace {

gateway::GatewayConfig with_route(const std::string& members) {
  const toml::table file = toml::parse("[[gateway.routes]]\nid = 'a'\nservice = 's'\n" + members);
  gateway::GatewayConfig config;
  config.routes = read_routes(*file["gateway"]["routes"].node(), false);
  return config;
}

TEST(GatewayDifferences, NameWhatHasChangedAndTellNoValue) {
  using Lines = std::vector<std::string>;
  const auto plain = with_route("path = '/a/**'\ntimeout = '1s'\n");
  const auto secret =
      with_route("path = '/b/**'\nset_request_headers = { Authorization = 'Bearer s3cret\\nline' }\n");
  EXPECT_EQ(differences(plain, plain), Lines());
  EXPECT_EQ(differences(plain, secret), Lines{"~ route a: path, set_request_headers, timeout"});
  EXPECT_EQ(differences(gateway::GatewayConfig(), secret),
            Lines{"+ route a: id, path, service, set_request_headers"});
  EXPECT_EQ(differences(secret, gateway::GatewayConfig()), Lines{"- route a"});
}

TEST(GatewayDifferences, NameTheInstancesThatCameAndWent) {
  const auto listing = [](const std::vector<std::pair<std::string, std::string>>& instances) {
    ServiceList list;
    for (const auto& [service, id] : instances) list.services[service].emplace_back().id = id;
    return list;
  };
  using Lines = std::vector<std::string>;
  const auto two = listing({{"a", "h:1"}, {"a", "h:2"}, {"b", "h:3"}});
  EXPECT_EQ(differences(two, two), Lines());
  EXPECT_EQ(differences(two, listing({{"a", "h:1"}, {"b", "h:3"}, {"c", "h:4"}})),
            (Lines{"~ gateway.services a: h:1, h:2 -> h:1", "~ gateway.services c: none -> h:4"}));
}

}  // namespace
}  // namespace market::apps
