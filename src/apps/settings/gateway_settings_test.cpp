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

}  // namespace
}  // namespace market::apps
