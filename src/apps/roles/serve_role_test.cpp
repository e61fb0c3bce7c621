#include "apps/roles/serve_role.hpp"

#include <gtest/gtest.h>

#include "apps/settings/settings.hpp"

namespace market::apps {
namespace {

TEST(ServeRole, IsWhatOneProcessCanBe) {
  EXPECT_EQ(parse_role("all"), ServeRole::all);
  EXPECT_EQ(parse_role("gateway,user,order,product"), ServeRole::all);
  EXPECT_EQ(parse_role("order,user,product"), ServeRole::services);
  EXPECT_EQ(parse_role("gateway"), ServeRole::gateway);
  EXPECT_EQ(parse_role("registry"), ServeRole::registry);
}

TEST(ServeRole, RefusesWhatNobodyCanMean) {
  for (const char* text :
       {"", ",", "registry,", ",registry", "user,,product,order", "registry,registry", "all,all", "Registry",
        " registry", "user", "user,product", "registry,gateway", "all,gateway", "wizard"})
    EXPECT_THROW(parse_role(text), UsageError) << text;
}

}  // namespace
}  // namespace market::apps
