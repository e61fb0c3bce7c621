#include "adapters/eureka/known_instances.hpp"

#include <gtest/gtest.h>

namespace market::eureka {
namespace {

struct TestClock final : Clock {
  Instant now() const override { return at; }
  Instant at{Millis(1'000'000)};
};

registry::RegisteredInstance instance_of(const std::string& id) {
  registry::RegisteredInstance instance;
  instance.id = id;
  instance.host = "h";
  instance.ip = "10.0.0.1";
  instance.app = "SHOP";
  instance.vip = "Shop";
  instance.port = {80, true};
  return instance;
}

std::size_t count(const KnownInstances& known) {
  const auto list = known.list();
  const auto found = list->services.find("shop");
  return found == list->services.end() ? 0 : found->second.size();
}

TEST(KnownInstances, are_published_with_a_rising_version) {
  TestClock clock;
  KnownInstances known(clock);
  EXPECT_EQ(known.list()->version, 0u);
  known.replace({instance_of("a"), instance_of("b")});
  known.publish();
  EXPECT_EQ(count(known), 2u);
  const auto version = known.list()->version;
  known.replace({instance_of("a"), instance_of("b")});
  known.publish();
  EXPECT_EQ(known.list()->version, version) << "nothing changed";
  auto gone = instance_of("b");
  gone.action = registry::Action::deleted;
  known.apply(gone);
  known.publish();
  EXPECT_GT(known.list()->version, version);
  EXPECT_EQ(count(known), 1u);
  EXPECT_EQ(known.hash(), "UP_1_");
}

TEST(KnownInstances, are_kept_when_a_registry_comes_back_empty) {
  TestClock clock;
  KnownInstances known(clock);
  known.replace({instance_of("a"), instance_of("b"), instance_of("c")});
  known.replace({});
  known.publish();
  EXPECT_EQ(count(known), 3u);
  EXPECT_EQ(known.hash(), "") << "the registry's own count";
  known.replace({instance_of("a")});
  clock.at += Millis(89'000);
  known.replace({instance_of("a")});
  known.publish();
  EXPECT_EQ(count(known), 3u);
  clock.at += Millis(2'000);
  known.drop_doubtful();
  known.publish();
  EXPECT_EQ(count(known), 1u) << "the others did not register again in time";
}

registry::RegisteredInstance other_at(const std::string& app, const std::string& host, const std::string& ip,
                                      int port) {
  auto instance = instance_of("o");
  instance.app = app;
  instance.vip = app;
  instance.host = host;
  instance.ip = ip;
  instance.port.number = port;
  return instance;
}

/// A foreign registry lets in what ours refuses: it would stand in requests and log lines.
TEST(KnownInstances, are_left_out_when_their_names_are_none) {
  TestClock clock;
  KnownInstances known(clock);
  auto wrong_host = instance_of("a"), wrong_address = instance_of("b"), wrong_vip = instance_of("c"),
       wrong_id = instance_of("d\nerror the log is damaged"), wrong_app = instance_of("e");
  wrong_host.host = "evil\r\nX-Injected";
  wrong_address.ip = "10.0.0.1 x";
  wrong_vip.vip = "shop,sh\nop";
  wrong_app.app = "SHOP/../X";
  known.replace({wrong_host, wrong_address, wrong_vip, wrong_id, wrong_app, instance_of("plain")});
  known.publish();
  EXPECT_EQ(known.list()->instances, 1u);
  EXPECT_EQ(count(known), 1u);
}

TEST(KnownInstances, are_doubted_no_longer_when_another_claims_their_address) {
  struct Claim {
    const char *host, *ip;
    int port;
    std::size_t left;
  };
  const Claim claims[] = {
      {"h", "10.0.0.1", 80, 0}, {"H", "10.9.9.9", 80, 0}, {"x", "10.0.0.1", 80, 0}, {"10.0.0.1", "", 80, 0},
      {"x", "10.0.0.2", 80, 1}, {"h", "10.0.0.1", 81, 1}, {"", "", 80, 1},          {"10.0.0.1", "h", 80, 0},
  };
  for (const auto& claim : claims)
    for (const bool by_delta : {false, true}) {
      TestClock clock;
      KnownInstances known(clock);
      known.replace({instance_of("a")});
      known.replace({});
      const auto other = other_at("X", claim.host, claim.ip, claim.port);
      if (by_delta)
        known.apply(other);
      else
        known.replace({other});
      known.publish();
      EXPECT_EQ(count(known), claim.left) << claim.host << " " << claim.ip << " " << claim.port << by_delta;
    }
}

TEST(KnownInstances, of_one_process_come_back_one_by_one) {
  TestClock clock;
  KnownInstances known(clock);
  const auto other = other_at("X", "h", "10.0.0.1", 80);
  known.replace({instance_of("a"), other});
  known.replace({});
  known.replace({other});
  known.publish();
  EXPECT_EQ(count(known), 1u) << "both were there together before";
  auto moved = other_at("X", "y", "10.0.0.5", 80);
  known.apply(moved);
  known.apply(other);
  known.publish();
  EXPECT_EQ(count(known), 0u) << "it went away and came back: the address is its own now";
}

TEST(KnownInstances, drop_what_a_list_with_others_no_longer_has) {
  TestClock clock;
  KnownInstances known(clock);
  known.replace({instance_of("a"), instance_of("b"), instance_of("c"), instance_of("d")});
  known.replace({instance_of("c"), instance_of("d")});
  known.publish();
  EXPECT_EQ(count(known), 2u) << "a list that lacks more than half may be doubted";
}

TEST(KnownInstances, are_kept_while_the_others_register_again_one_by_one) {
  TestClock clock;
  KnownInstances known(clock);
  known.replace({instance_of("a"), instance_of("b"), instance_of("c"), instance_of("d")});
  known.replace({instance_of("c")});  // The first list of a registry that was restarted.
  known.replace({instance_of("c"), instance_of("a")});
  known.publish();
  EXPECT_EQ(count(known), 4u);
  clock.at += Millis(91'000);
  known.drop_doubtful();
  known.publish();
  EXPECT_EQ(count(known), 2u) << "the others did not register again in time";
}

TEST(KnownInstances, a_removal_counts_at_once_in_doubt_too) {
  TestClock clock;
  KnownInstances known(clock);
  known.replace({instance_of("a"), instance_of("b")});
  known.replace({});
  auto gone = instance_of("a");
  gone.action = registry::Action::deleted;
  known.apply(gone);
  gone = instance_of("b");
  gone.action = registry::Action::deleted;
  known.apply(gone);
  known.publish();
  EXPECT_EQ(known.list()->services.size(), 0u);
}

TEST(KnownInstances, are_found_under_each_name) {
  TestClock clock;
  KnownInstances known(clock);
  auto two = instance_of("a"), same = instance_of("b"), none = instance_of("c");
  two.vip = "V1, v2,,v2";
  same.app = "V1";
  same.vip = "other";
  none.app = "PLAIN";
  none.vip.reset();
  known.replace({two, same, none});
  known.publish();
  const auto& services = known.list()->services;
  const auto ids = [&](const char* service) {
    std::string all;
    if (const auto found = services.find(service); found != services.end())
      for (const auto& instance : found->second) all += instance.id;
    return all;
  };
  EXPECT_EQ(ids("v1"), "a") << "the VIP's name, before the application's";
  EXPECT_EQ(ids("v2"), "a");
  EXPECT_EQ(ids("other"), "b");
  EXPECT_EQ(ids("shop"), "a") << "an application's name, where no VIP has it";
  EXPECT_EQ(ids("plain"), "c");
  EXPECT_EQ(known.list()->instances, 3u);
}

TEST(KnownInstances, have_what_a_gateway_needs_to_call_them) {
  TestClock clock;
  KnownInstances known(clock);
  auto good = instance_of("a"), split = instance_of("b"), own = instance_of("c");
  good.metadata["health"] = "/up?x=1";
  split.metadata["health"] = "/up\r\nEvil: 1";
  own.metadata["health"] = "green";
  known.replace({good, split, own});
  known.publish();
  std::map<std::string, std::string> paths;
  for (const auto& instance : known.list()->services.at("shop")) {
    paths[instance.id] = instance.health_path;
    EXPECT_EQ(instance.address, "10.0.0.1");
  }
  EXPECT_EQ(paths, (std::map<std::string, std::string>{{"a", "/up?x=1"}, {"b", ""}, {"c", ""}}));
}

TEST(KnownInstances, say_who_can_be_called_by_tls_alone) {
  TestClock clock;
  KnownInstances known(clock);
  auto secure = instance_of("a");
  secure.port.enabled = false;
  secure.secure_port = {443, true};
  known.replace({secure, instance_of("b")});
  known.publish();
  EXPECT_EQ(count(known), 1u);
  ASSERT_EQ(known.list()->left_out.size(), 1u);
  EXPECT_NE(known.list()->left_out[0].find("shop: an instance listens with TLS alone"), std::string::npos);
  secure.port.enabled = true;
  known.apply(secure);
  known.publish();
  EXPECT_EQ(count(known), 2u);
  EXPECT_TRUE(known.list()->left_out.empty());
}

TEST(KnownInstances, are_left_out_where_nobody_may_be) {
  TestClock clock;
  KnownInstances known(clock, http::AllowedAddresses({http::Network("10.0.0.0/8")}));
  auto metadata_service = instance_of("a"), elsewhere = instance_of("b");
  metadata_service.host = "169.254.169.254";
  elsewhere.ip = elsewhere.host = "192.168.0.1";
  known.replace({metadata_service, elsewhere, instance_of("c")});
  known.publish();
  ASSERT_EQ(count(known), 1u);
  EXPECT_EQ(known.list()->services.at("shop")[0].id, "c");
  EXPECT_TRUE(known.list()->left_out.empty()) << "health is public: addresses are not told";
  EXPECT_TRUE(known.list()->services.at("shop")[0].registered);
  EXPECT_EQ(known.hash(), "UP_3_") << "the registry counts them";
  elsewhere.ip = elsewhere.host = "10.0.0.2";
  known.apply(elsewhere);
  known.publish();
  EXPECT_EQ(count(known), 2u) << "it has moved";
}

TEST(KnownInstances, have_the_zone_that_they_say) {
  TestClock clock;
  KnownInstances known(clock);
  auto spring = instance_of("a"), amazon = instance_of("b");
  spring.metadata["zone"] = "east";
  amazon.data_center.metadata = registry::Metadata();
  amazon.data_center.metadata->emplace("availability-zone", "us-east-1c");
  known.replace({spring, amazon, instance_of("c")});
  known.publish();
  std::map<std::string, std::string> zones;
  for (const auto& instance : known.list()->services.at("shop")) zones[instance.id] = instance.zone;
  EXPECT_EQ(zones, (std::map<std::string, std::string>{{"a", "east"}, {"b", "us-east-1c"}, {"c", ""}}));
  const auto version = known.list()->version;
  amazon.data_center.metadata = registry::Metadata();
  amazon.data_center.metadata->emplace("availability-zone", "us-east-1d");
  known.apply(amazon);
  known.publish();
  EXPECT_GT(known.list()->version, version) << "a moved one is told";
}

}  // namespace
}  // namespace market::eureka
