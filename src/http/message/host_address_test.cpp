#include "http/message/host_address.hpp"

#include <gtest/gtest.h>

namespace market::http {
namespace {

TEST(HostAddress, StandsInBracketsWhereItsColonsWouldBeRead) {
  EXPECT_EQ(host_in_url("::1"), "[::1]");
  EXPECT_EQ(host_in_url("2001:db8::7"), "[2001:db8::7]");
  EXPECT_EQ(host_in_url("[::1]"), "[::1]");
  EXPECT_EQ(bare_host("[2001:db8::7]"), "2001:db8::7");
  EXPECT_EQ(bare_host("::1"), "::1");
  EXPECT_EQ(bare_host("shop.example"), "shop.example");
  EXPECT_EQ(host_in_url("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(host_in_url("shop.example"), "shop.example");
}

}  // namespace
}  // namespace market::http
