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

}  // namespace
}  // namespace market::eureka
