#include "apps/roles/trusted_gateways.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "http/message/proxy_addresses.hpp"

namespace market::apps {
namespace {

ServiceList list_of(std::uint64_t version, const std::string& service, std::vector<std::string> hosts) {
  ServiceList list;
  list.version = version;
  for (const auto& host : hosts) {
    ServiceInstance instance;
    instance.service = service;
    instance.host = instance.address = host;
    instance.port = 80;
    list.services[service].push_back(instance);
  }
  return list;
}

struct Heard {
  std::vector<http::Network> networks;
  int times = 0;
  bool has(std::string_view address) const { return http::is_in(address, networks); }
};

TEST(TrustedGateways, AreThoseOfTheSettingsAndOfTheRegistryAsLongAsItShowsThem) {
  boost::asio::io_context io;
  Heard heard;
  TrustedGateways gateways({http::Network("192.0.2.0/24")}, http::AllowedAddresses(), io.get_executor(),
                           [&](auto networks) {
                             heard.networks = std::move(networks);
                             ++heard.times;
                           });
  const Instant now{Millis(1'000'000)};
  gateways.look(list_of(1, "market-user", {"10.0.0.9"}), now);
  EXPECT_EQ(heard.times, 0) << "a service is no gateway";
  const auto list = list_of(2, "market-gateway", {"10.0.0.1", "2001:db8::1"});
  gateways.look(list, now);
  gateways.look(list, now);
  EXPECT_EQ(heard.times, 1);
  for (const char* address : {"192.0.2.7", "10.0.0.1", "2001:db8::1"}) EXPECT_TRUE(heard.has(address));
  for (const char* address : {"10.0.0.2", "127.0.0.1", "2001:db8::2"}) EXPECT_FALSE(heard.has(address));
  gateways.look(list_of(3, "market-gateway", {"10.0.0.1"}), now);
  EXPECT_FALSE(heard.has("2001:db8::1"));
  gateways.look(ServiceList(), now);
  EXPECT_FALSE(heard.has("10.0.0.1"));
  EXPECT_TRUE(heard.has("192.0.2.7"));
}

TEST(TrustedGateways, OfANameAreWhatItMeans) {
  boost::asio::io_context io;
  const auto work = boost::asio::make_work_guard(io);
  Heard heard;
  TrustedGateways gateways({}, http::AllowedAddresses(), io.get_executor(), [&](auto networks) {
    heard.networks = std::move(networks);
    ++heard.times;
    io.stop();
  });
  gateways.look(list_of(1, "market-gateway", {"localhost", "no such host"}), Instant(Millis(1'000'000)));
  EXPECT_EQ(heard.times, 0) << "not known yet";
  io.run_for(std::chrono::seconds(10));
  EXPECT_TRUE(heard.has("127.0.0.1") || heard.has("::1"));
}

TEST(TrustedGateways, AreBounded) {
  boost::asio::io_context io;
  Heard heard;
  TrustedGateways gateways({}, http::AllowedAddresses(), io.get_executor(),
                           [&](auto networks) { heard.networks = std::move(networks); });
  std::vector<std::string> hosts;
  for (int i = 0; i < 2'000; ++i) hosts.push_back(fmt::format("10.0.{}.{}", i / 250, i % 250));
  gateways.look(list_of(1, "market-gateway", hosts), Instant(Millis(1'000'000)));
  EXPECT_EQ(heard.networks.size(), TrustedGateways::gateways_max);
}

}  // namespace
}  // namespace market::apps
