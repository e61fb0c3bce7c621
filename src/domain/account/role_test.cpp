#include "domain/account/role.hpp"

#include <gtest/gtest.h>

namespace market {
namespace {

TEST(Role, EveryNameReadsBack) {
  for (const auto role : {Role::customer, Role::seller, Role::admin})
    EXPECT_EQ(parse_role(text_of(role)), role);
  EXPECT_EQ(parse_role("Admin"), std::nullopt);
  EXPECT_EQ(parse_role(""), std::nullopt);
}

}  // namespace
}  // namespace market
