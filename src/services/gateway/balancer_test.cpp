#include "services/gateway/balancer.hpp"

#include <gtest/gtest.h>

#include <set>

namespace market::gateway {
namespace {

class FixedDiscovery final : public Discovery {
 public:
  void list(std::vector<std::pair<std::uint16_t, InstanceStatus>> instances) {
    auto next = std::make_shared<ServiceList>();
    for (const auto& [port, status] : instances) {
      ServiceInstance instance;
      instance.service = "s";
      instance.host = "10.0.0.1";
      instance.port = port;
      instance.status = status;
      next->services["s"].push_back(instance);
    }
    list_ = next;
  }
  void list(const std::vector<std::pair<std::uint16_t, std::string>>& zones) {
    auto next = std::make_shared<ServiceList>();
    for (const auto& [port, zone] : zones) {
      auto& instance = next->services["s"].emplace_back();
      instance.service = "s";
      instance.host = "10.0.0.1";
      instance.port = port;
      instance.zone = zone;
    }
    list_ = next;
  }
  void forget() { list_ = std::make_shared<ServiceList>(); }
  void set(std::shared_ptr<const ServiceList> list) { list_ = std::move(list); }
  std::shared_ptr<const ServiceList> services() const override { return list_; }

 private:
  std::shared_ptr<const ServiceList> list_;
};

struct BalancerTest : testing::Test {
  BackendPtr choose(std::int64_t now_ms = 0, std::vector<BackendPtr> tried = {}) {
    random += 0x9E3779B97F4A7C15ull;
    return balancer.choose("s", tried, now_ms, random);
  }
  std::map<int, int> shares(int requests, std::int64_t now_ms = 0) {
    std::map<int, int> counts;
    for (int i = 0; i < requests; ++i)
      if (const auto chosen = choose(now_ms)) ++counts[chosen->port];
    return counts;
  }
  FixedDiscovery discovery;
  Balancer balancer{discovery, BalancerSettings{{}, "here"}};
  std::uint64_t random = 1;
};

TEST_F(BalancerTest, SharesAmongThoseThatAreUp) {
  using enum InstanceStatus;
  discovery.list({{1, up}, {2, up}, {3, out_of_service}, {4, down}});
  const auto counts = shares(1000);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_GT(counts.at(1), 300);
  EXPECT_GT(counts.at(2), 300);
}

/// Who must learn something from whoever knows it.
TEST_F(BalancerTest, AnEjectedOneIsAskedBehindTheOthersByWhoWantsAnybody) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}});
  const auto ejected = choose();
  while (!ejected->is_ejected()) ejected->failed(Fault::broke_off, balancer.limits(), 0);
  ASSERT_FALSE(ejected->is_dead());
  const auto asked = [&](std::vector<BackendPtr> tried) {
    return balancer.choose("s", tried, 0, random, Balancer::Want::anybody);
  };
  const auto working = asked({});
  ASSERT_NE(working, ejected);
  EXPECT_EQ(choose(0, {working}), nullptr) << "it is there";
  EXPECT_EQ(asked({working}), ejected);
  EXPECT_EQ(asked({working, ejected}), nullptr);
}

/// A command costs less at the instance that decides it, but all others can read requests for it.
TEST_F(BalancerTest, OrdersGoToWhoeverDecidesThemWhileItHasRoom) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}, {3, InstanceStatus::up}});
  const auto decider = choose();
  const auto order_at = [&](std::int64_t now_ms, std::vector<BackendPtr> tried = {}) {
    random += 0x9E3779B97F4A7C15ull;
    return balancer.choose("s", tried, now_ms, random, Balancer::Want::decider);
  };
  const auto orders = [&](std::int64_t now_ms) {
    int count = 0;
    for (int i = 0; i < 100; ++i) count += order_at(now_ms) == decider;
    return count;
  };
  EXPECT_LT(orders(0), 100) << "nobody has said so yet";
  decider->has_decided(10'000);
  EXPECT_EQ(orders(10'001), 100);
  EXPECT_EQ(orders(13'000), 100);
  EXPECT_LT(orders(14'001), 100) << "it may be another by now";
  decider->has_decided(14'000);
  EXPECT_LT(shares(100, 14'001)[decider->port], 100) << "what is read is read anywhere";
  EXPECT_NE(order_at(14'001, {decider}), decider) << "it was tried";

  decider->in_flight = 5'000;
  EXPECT_EQ(orders(14'002), 0) << "it has too much to do";
  decider->in_flight = 0;
  decider->failed(Fault::not_connected, balancer.limits(), 14'003);
  EXPECT_EQ(orders(14'004), 0) << "nobody listens there";
}

TEST_F(BalancerTest, PrefersTheOneWithLessToDo) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}});
  const auto busy = choose();
  busy->in_flight = 10;
  for (int i = 0; i < 50; ++i) EXPECT_NE(choose(), busy);
}

TEST_F(BalancerTest, EjectsAtTheFirstRefusedConnection) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}});
  const auto dead = choose();
  dead->failed(Fault::not_connected, balancer.limits(), 0);
  for (int i = 0; i < 50; ++i) EXPECT_NE(choose(), dead);
  EXPECT_FALSE(dead->probe_is_due(0));
  EXPECT_TRUE(dead->probe_is_due(250));
  dead->probed(false, balancer.limits(), 250);
  EXPECT_TRUE(dead->is_ejected());
  dead->probed(true, balancer.limits(), 2000);
  EXPECT_FALSE(dead->is_ejected());
  const auto counts = shares(1000, 2000);  // It starts slowly: idle, it still wins no comparison.
  EXPECT_LT(counts.contains(dead->port) ? counts.at(dead->port) : 0, 100);
  EXPECT_GT(shares(1000, 20'000).at(dead->port), 300);
}

/// Better than none, and no better than one that works: nobody gives up an answer for it.
TEST_F(BalancerTest, AnEjectedOneStandsInForNoneThatIsThere) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}});
  const auto sick = choose();
  const auto well = choose(0, {sick});
  sick->failed(Fault::broke_off, balancer.limits(), 0);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(choose(), well);
  EXPECT_EQ(choose(0, {well}), nullptr) << "the other one is there, if slow or busy";
  well->failed(Fault::broke_off, balancer.limits(), 0);
  EXPECT_EQ(choose(0, {well}), sick) << "nobody else is there";
  EXPECT_EQ(choose(0, {well, sick}), nullptr);
  EXPECT_NE(choose(), nullptr);
}

/// What it was asked under another path says nothing of this one.
TEST_F(BalancerTest, AnInstanceIsAskedForTheHealthPathItHasNow) {
  const auto told = [this](const char* path) {
    auto list = std::make_shared<ServiceList>();
    auto& instance = list->services["s"].emplace_back();
    instance.service = "s";
    instance.host = "10.0.0.1";
    instance.port = 1;
    instance.health_path = path;
    discovery.set(std::move(list));
    return choose();
  };
  const auto first = told("/wrong");
  EXPECT_EQ(first->health_path, "/wrong");
  EXPECT_EQ(told("/wrong"), first);
  const auto corrected = told("/right");
  EXPECT_EQ(corrected->health_path, "/right");
  EXPECT_EQ(corrected->places, first->places);
  const auto usual = told("");
  EXPECT_EQ(usual->health_path, "/health/ready");
  EXPECT_EQ(told("/health/ready"), usual);
}

TEST_F(BalancerTest, BearsSomeBadAnswersButNotManyInARow) {
  discovery.list({{1, InstanceStatus::up}});
  const auto instance = choose();
  for (int i = 0; i < 4; ++i) instance->failed(Fault::bad_answer, balancer.limits(), 0);
  instance->succeeded();
  for (int i = 0; i < 4; ++i) instance->failed(Fault::bad_answer, balancer.limits(), 0);
  EXPECT_FALSE(instance->is_ejected());
  instance->failed(Fault::bad_answer, balancer.limits(), 0);
  EXPECT_TRUE(instance->is_ejected());
  EXPECT_EQ(choose(), instance) << "the only one is better than none";
  instance->failed(Fault::not_connected, balancer.limits(), 0);
  EXPECT_EQ(choose(), nullptr) << "unless nobody listens there";
}

TEST_F(BalancerTest, KeepsNobodyThatTheListHasNot) {
  discovery.list({{1, InstanceStatus::up}});
  EXPECT_NE(choose(), nullptr);
  discovery.forget();
  EXPECT_EQ(choose(), nullptr) << "somebody else may have its address by now";
  EXPECT_TRUE(balancer.all().empty());
  discovery.list({{1, InstanceStatus::out_of_service}});
  EXPECT_EQ(choose(), nullptr) << "what it says of one counts";
}

TEST_F(BalancerTest, TakesOverZoneAndNetworksWithTheSameList) {
  const std::vector<std::pair<std::uint16_t, std::string>> zones{{1, "here"}, {2, "there"}};
  discovery.list(zones);
  EXPECT_EQ(choose()->port, 1);
  const http::AllowedAddresses allowed;
  balancer.apply("there", &allowed);
  EXPECT_EQ(choose()->port, 2);
  balancer.apply("", &allowed);
  EXPECT_EQ(shares(200).size(), 2u);
  auto list = std::make_shared<ServiceList>(*discovery.services());
  for (auto& instance : list->services["s"]) instance.registered = true;
  discovery.set(list);
  EXPECT_EQ(choose()->allowed, &allowed);
}

TEST_F(BalancerTest, ProbesWhereAnInstanceAsksForIt) {
  auto list = std::make_shared<ServiceList>();
  auto& instance = list->services["s"].emplace_back();
  instance.service = "s";
  instance.host = "name";
  instance.address = "10.0.0.9";
  discovery.set(list);
  EXPECT_EQ(choose()->health_path, "/health/ready");
  EXPECT_EQ(choose()->address, "10.0.0.9");
}

TEST_F(BalancerTest, PrefersItsOwnZone) {
  const std::vector<std::pair<std::uint16_t, std::string>> zones{
      {1, "here"}, {2, "there"}, {3, "here"}, {4, ""}};
  discovery.list(zones);
  const auto counts = shares(200);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_TRUE(counts.contains(1) && counts.contains(3));
  const auto first = choose(), second = choose(0, {first});
  EXPECT_EQ(first->port + second->port, 4);
  EXPECT_NE(choose(0, {first, second}), nullptr) << "a retry may leave the zone";
  for (const auto& near : {first, second}) near->failed(Fault::broke_off, balancer.limits(), 0);
  const auto others = shares(200);
  EXPECT_EQ(others.size(), 2u);
  EXPECT_TRUE(others.contains(2) && others.contains(4)) << "healthy ones elsewhere beat ejected ones here";
  for (const auto& instance : balancer.all()) instance->failed(Fault::broke_off, balancer.limits(), 0);
  EXPECT_NE(choose(), nullptr) << "an ejected one is better than none";
}

TEST_F(BalancerTest, TreatsZonesAlikeWithoutOneOfItsOwn) {
  Balancer without(discovery, {});
  const std::vector<std::pair<std::uint16_t, std::string>> zones{{1, "here"}, {2, "there"}, {3, ""}};
  discovery.list(zones);
  std::set<int> ports;
  for (int i = 0; i < 200; ++i)
    ports.insert(without.choose("s", {}, 0, random += 0x9E3779B97F4A7C15ull)->port);
  EXPECT_EQ(ports.size(), 3u);
}

TEST_F(BalancerTest, JudgesTheNamesOfThoseThatRegisteredThemselves) {
  const http::AllowedAddresses allowed;
  Balancer judging(discovery, {{}, {}, &allowed});
  discovery.list({{1, InstanceStatus::up}});
  EXPECT_EQ(judging.choose("s", {}, 0, 1)->allowed, nullptr) << "the operator may name any host";
  EXPECT_EQ(judging.fixed("h", 1)->allowed, nullptr);
  auto list = std::make_shared<ServiceList>(*discovery.services());
  list->services["s"][0].registered = true;
  discovery.set(list);
  EXPECT_EQ(judging.choose("s", {}, 0, 1)->allowed, &allowed);
}

TEST_F(BalancerTest, NeverTriesOneTwice) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}});
  const auto first = choose();
  const auto second = choose(0, {first});
  EXPECT_NE(first, second);
  EXPECT_EQ(choose(0, {first, second}), nullptr);
  EXPECT_EQ(balancer.choose("unknown", {}, 0, 1), nullptr);
}

/// An instance that answers 503 at once has always the least under way.
TEST_F(BalancerTest, WhoeverRefusesGetsLessForAMomentAndIsNotEjected) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}});
  const auto first = choose();
  const auto second = choose(0, {first});
  const UnderWay one(*second), two(*second), three(*second);
  EXPECT_EQ(shares(100)[first->port], 100) << "it has the least under way";
  first->refused(1'000);
  EXPECT_EQ(shares(100, 1'001)[second->port], 100);
  EXPECT_EQ(shares(100, 5'000)[first->port], 100) << "its turn again";
  for (int i = 0; i < 10'000; ++i) first->refused(5'000);
  EXPECT_LE(first->load(balancer.limits(), 5'000), 260) << "bounded";
  EXPECT_EQ(shares(100, 6'500)[second->port], 100);
  EXPECT_EQ(shares(100, 10'500)[first->port], 100);
  EXPECT_FALSE(first->is_ejected());
  EXPECT_EQ(first->faults.load(), 0u);
}

TEST_F(BalancerTest, WhenAllRefuseAllAreAlike) {
  discovery.list({{1, InstanceStatus::up}, {2, InstanceStatus::up}});
  const auto first = choose();
  const auto second = choose(0, {first});
  for (int i = 0; i < 50; ++i) {
    first->refused(1'000);
    second->refused(1'000);
  }
  const auto counts = shares(1'000, 1'001);
  EXPECT_GT(counts.at(1), 300);
  EXPECT_GT(counts.at(2), 300);
}

TEST_F(BalancerTest, LeadsToWhatIsListedAsUpAndToFixedAddresses) {
  using enum InstanceStatus;
  discovery.list({{1, up}});
  const auto one = choose();
  EXPECT_TRUE(balancer.leads_to(one, 0));
  discovery.list({{1, up}, {2, up}});
  EXPECT_TRUE(balancer.leads_to(one, 0)) << "others come and go beside it";
  discovery.list({{1, out_of_service}, {2, up}});
  EXPECT_FALSE(balancer.leads_to(one, 0));
  discovery.forget();
  EXPECT_FALSE(balancer.leads_to(one, 0));
  EXPECT_TRUE(balancer.leads_to(balancer.fixed("10.0.0.1", 1), 0));
}

}  // namespace
}  // namespace market::gateway
