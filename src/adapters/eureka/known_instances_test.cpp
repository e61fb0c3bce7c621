#include "adapters/eureka/known_instances.hpp"

#include <gtest/gtest.h>

namespace market::eureka {
namespace {

struct TestClock final : Clock {
  Instant now() const override { return at; }
  Instant at{Millis(1'000'000)};
};

registry::Instance instance_of(const std::string& id) {
  registry::Instance instance;
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

TEST(KnownInstances, drop_the_few_that_a_full_list_no_longer_has) {
  TestClock clock;
  KnownInstances known(clock);
  known.replace({instance_of("a"), instance_of("b"), instance_of("c")});
  known.replace({instance_of("a"), instance_of("b")});
  known.publish();
  EXPECT_EQ(count(known), 2u);
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
  amazon.data_center_metadata["availability-zone"] = "us-east-1c";
  known.replace({spring, amazon, instance_of("c")});
  known.publish();
  std::map<std::string, std::string> zones;
  for (const auto& instance : known.list()->services.at("shop")) zones[instance.id] = instance.zone;
  EXPECT_EQ(zones, (std::map<std::string, std::string>{{"a", "east"}, {"b", "us-east-1c"}, {"c", ""}}));
  const auto version = known.list()->version;
  amazon.data_center_metadata["availability-zone"] = "us-east-1d";
  known.apply(amazon);
  known.publish();
  EXPECT_GT(known.list()->version, version) << "a moved one is told";
}

}  // namespace
}  // namespace market::eureka
