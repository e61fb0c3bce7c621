#include "apps/roles/serve_role.hpp"

#include <gtest/gtest.h>

#include "apps/settings/settings.hpp"

namespace market::apps {
namespace {

TEST(ServeRole, IsWhatOneProcessCanBe) {
  EXPECT_EQ(parse_role("all"), ServeRole::all);
  EXPECT_EQ(parse_role("gateway,user,order,product"), ServeRole::all);
  EXPECT_EQ(parse_role("order,user,product"), ServeRole::services);
  for (const char* text : {"user", "product", "order", "user,product"})
    EXPECT_EQ(parse_role(text), ServeRole::services) << text;
  EXPECT_EQ(parse_role("gateway"), ServeRole::gateway);
  EXPECT_EQ(parse_role("registry"), ServeRole::registry);
}

TEST(ServeRole, RefusesWhatNobodyCanMean) {
  for (const char* text : {"", ",", "registry,", ",registry", "user,,product,order", "registry,registry",
                           "all,all", "Registry", " registry", "user,gateway", "user,registry", "all,user",
                           "registry,gateway", "all,gateway", "wizard"})
    EXPECT_THROW(parse_role(text), UsageError) << text;
}

TEST(ServeRole, SaysWhichServicesAnswer) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(services_of("order").names(), Names{"market-order"});
  EXPECT_EQ(services_of("product,user").names(), (Names{"market-user", "market-product"}));
  EXPECT_TRUE(services_of("all").all());
  EXPECT_TRUE(services_of("user,order,product").all());
  EXPECT_TRUE(services_of("product").follow_log());
  EXPECT_FALSE(services_of("user").follow_log()) << "who signs people in needs no log";
}

}  // namespace
}  // namespace market::apps
