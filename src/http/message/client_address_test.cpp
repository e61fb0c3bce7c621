#include "http/message/client_address.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace market::http {
namespace {

std::string_view client_of(std::string_view peer, std::vector<std::string_view> forwarded,
                           const std::vector<Network>& trusted) {
  static Request request;
  request = Request();
  request.remote_address = peer;
  for (const auto value : forwarded) request.headers.push_back({"X-Forwarded-For", value});
  return client_address(request, trusted);
}

TEST(Network, KnowsItsAddresses) {
  const Network ten("10.0.0.0/8");
  EXPECT_TRUE(ten.contains("10.255.1.2"));
  EXPECT_FALSE(ten.contains("11.0.0.1"));
  EXPECT_TRUE(Network("192.168.4.0/22").contains("192.168.7.255"));
  EXPECT_FALSE(Network("192.168.4.0/22").contains("192.168.8.0"));
  EXPECT_TRUE(Network("::1").contains("::1"));
  EXPECT_TRUE(Network("2001:db8::/33").contains("2001:db8:7fff::1"));
  EXPECT_FALSE(Network("2001:db8::/33").contains("2001:db8:8000::1"));
  EXPECT_TRUE(Network("0.0.0.0/0").contains("1.2.3.4"));
  for (const char* wrong : {"", "10.0.0.0/33", "::/129", "10.0.0/8", "name", "10.0.0.0/", "10.0.0.0/x"})
    EXPECT_THROW(Network network(wrong), std::invalid_argument) << wrong;
}

TEST(ClientAddress, BelievesTrustedHopsOnly) {
  const std::vector<Network> trusted{Network("127.0.0.1"), Network("10.0.0.0/8")};
  EXPECT_EQ(client_of("8.8.8.8", {"1.1.1.1"}, trusted), "8.8.8.8");
  EXPECT_EQ(client_of("127.0.0.1", {}, trusted), "127.0.0.1");
  EXPECT_EQ(client_of("127.0.0.1", {"1.1.1.1"}, trusted), "1.1.1.1");
  EXPECT_EQ(client_of("127.0.0.1", {"6.6.6.6, 1.1.1.1, 10.2.3.4"}, trusted), "1.1.1.1");
  EXPECT_EQ(client_of("127.0.0.1", {"6.6.6.6", "1.1.1.1"}, trusted), "1.1.1.1");
  EXPECT_EQ(client_of("127.0.0.1", {"1.1.1.1"}, {}), "127.0.0.1");
}

TEST(ClientAddress, IsReadInEveryWriting) {
  const std::vector<Network> trusted{Network("127.0.0.1"), Network("10.0.0.0/8")};
  const std::pair<const char*, const char*> cases[] = {
      {"198.51.100.9:40000", "198.51.100.9"},
      {"[2001:db8::1]:443", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"2001:db8::1", "2001:db8::1"},
      {"::ffff:198.51.100.9", "::ffff:198.51.100.9"},
      {"\"198.51.100.9\"", "198.51.100.9"},
      {"\"198.51.100.9:40000\"", "198.51.100.9"},
      {"\"[2001:db8::1]:443\"", "2001:db8::1"},
      {"198.51.100.9,", "198.51.100.9"},
      {"198.51.100.9 , ,", "198.51.100.9"},
      {",198.51.100.9", "198.51.100.9"},
      {"6.6.6.6, 198.51.100.9:1 , 10.0.0.1:80", "198.51.100.9"},
      {"_hidden", "_hidden"},
      {"10.1.1.1", "10.1.1.1"},
      {"10.1.1.1:5, 10.2.2.2", "10.1.1.1"},
      {"", "127.0.0.1"},
      {" , ,", "127.0.0.1"},
  };
  for (const auto& [field, client] : cases)
    EXPECT_EQ(client_of("127.0.0.1", {field}, trusted), client) << field;
}

TEST(ClientAddress, ThatCannotBeReadIsInsideOfNoNetwork) {
  const std::vector<Network> trusted{Network("127.0.0.1"), Network("10.0.0.0/8")};
  for (const char* field : {"unknown",
                            "junk",
                            "198.51.100.9:port",
                            "198.51.100.9:",
                            "198.51.100.9:123456",
                            "[198.51.100.9]:80",
                            "[::1",
                            "[::1]x",
                            "::1]",
                            "\"198.51.100.9",
                            "1.2.3",
                            "1.2.3.4.5",
                            "0x7f.1",
                            "127.1",
                            "1.2.3.4 5",
                            "_",
                            "_a b",
                            "host.example",
                            "6.6.6.6, unknown",
                            "6.6.6.6, unknown, 10.0.0.1",
                            "for=1.2.3.4",
                            "fe80::1%eth0"}) {
    const auto client = client_of("127.0.0.1", {field}, trusted);
    EXPECT_EQ(client, "") << field;
    EXPECT_FALSE(Network("0.0.0.0/0").contains(client) || Network("::/0").contains(client)) << field;
  }
  EXPECT_NE(address_bucket("_c1"), address_bucket("_c2"));
}

TEST(AddressBucket, IsOneForAnIpv6Customer) {
  EXPECT_EQ(address_bucket("2001:db8:1:2::1"), address_bucket("2001:db8:1:2:ffff::9"));
  EXPECT_NE(address_bucket("2001:db8:1:2::1"), address_bucket("2001:db8:1:3::1"));
  EXPECT_NE(address_bucket("10.0.0.1"), address_bucket("10.0.0.2"));
}

}  // namespace
}  // namespace market::http
