#include "http/message/allowed_addresses.hpp"

#include <gtest/gtest.h>

namespace market::http {
namespace {

TEST(AllowedAddresses, AreAllThatBelongToOneMachine) {
  const AllowedAddresses allowed;
  for (const auto* host : {"127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "8.8.8.8",
                           "2001:db8::7", "fd12::1", "::ffff:10.0.0.1", "shop", "shop.example", "10.shop"})
    EXPECT_EQ(allowed.refusal(host), "") << host;
}

TEST(AllowedAddresses, AreNeverThoseOfNobodyOrOfTheMachineBelow) {
  const AllowedAddresses allowed({Network("0.0.0.0/0"), Network("::/0")});
  for (const auto* host :
       {"0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "fe80::1", "febf::1", "224.0.0.1", "239.255.255.250",
        "ff02::1", "255.255.255.255", "240.0.0.1", "fd00:ec2::254", "100.100.100.200"})
    EXPECT_NE(allowed.refusal(host), "") << host;
}

TEST(AllowedAddresses, AreNotWrittenInOtherWays) {
  const AllowedAddresses allowed;
  for (const auto* host : {"2852039166", "0xa9fea9fe", "169.254.43518", "0xA9.0xFE.0xA9.0xFE", "1.2.3.4.",
                           "fe80::1%lo", "[::1]", "::1::", "shop.0x1f"})
    EXPECT_EQ(allowed.refusal(host), "is no well-formed address") << host;
}

TEST(AllowedAddresses, AreLimitedToNetworks) {
  const AllowedAddresses allowed({Network("10.0.0.0/8"), Network("2001:db8::/32")});
  EXPECT_EQ(allowed.refusal("10.255.0.1"), "");
  EXPECT_EQ(allowed.refusal("2001:db8::1"), "");
  EXPECT_EQ(allowed.refusal("11.0.0.1"), "lies in none of registry.networks");
  EXPECT_EQ(allowed.refusal("::1"), "lies in none of registry.networks");
  EXPECT_EQ(allowed.refusal(boost::asio::ip::make_address("10.0.0.1")), "");
  EXPECT_NE(allowed.refusal(boost::asio::ip::make_address("127.0.0.1")), "");
}

TEST(AllowedAddresses, AreNamedInTheRefusalOfAnInstance) {
  EXPECT_EQ(AllowedAddresses().refusal_of_instance("shop", "10.0.0.1"), "");
  EXPECT_EQ(AllowedAddresses().refusal_of_instance("shop", "shop"), "") << "a name is judged when resolved";
  EXPECT_EQ(AllowedAddresses().refusal_of_instance("169.254.169.254", "10.0.0.1"),
            "hostName 169.254.169.254 is a link-local address");
  const AllowedAddresses limited({Network("10.0.0.0/8")});
  EXPECT_EQ(limited.refusal_of_instance("shop", "127.0.0.1"),
            "ipAddr 127.0.0.1 lies in none of registry.networks");
  EXPECT_EQ(limited.refusal_of_instance("shop", "shop"),
            "ipAddr must be an address, because registry.networks limits it");
}

}  // namespace
}  // namespace market::http
