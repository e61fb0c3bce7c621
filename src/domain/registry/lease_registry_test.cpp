#include "domain/registry/lease_registry.hpp"

#include <gtest/gtest.h>

namespace market::registry {
namespace {

constexpr std::int64_t start_ms = 1'000'000;

RegisteredInstance instance_of(const std::string& id, Status status = Status::up,
                               std::int64_t dirty_ms = 100) {
  RegisteredInstance instance;
  instance.id = id;
  instance.host = instance.ip = "127.0.0.1";
  instance.app = "SHOP";
  instance.status = status;
  instance.dirty_ms = dirty_ms;
  instance.lease.renewal_seconds = 2;
  instance.lease.duration_seconds = 6;
  return instance;
}

class Leases : public testing::Test {
 protected:
  void enroll(const RegisteredInstance& instance, Source source = Source::client) {
    ASSERT_TRUE(registry.enroll(instance, source, now));
  }
  void fill(int count) {
    for (int i = 0; i < count; ++i) enroll(instance_of("i" + std::to_string(i)));
  }
  /// All but the first `silent` send their heartbeats for a while, each 2 seconds; the timer looks each
  /// second.
  std::size_t run(int count, int silent, int seconds) {
    std::size_t evicted = 0;
    for (int second = 1; second <= seconds; ++second) {
      now += 1000;
      if (second % 2 == 0)
        for (int i = silent; i < count; ++i) registry.renew("SHOP", "i" + std::to_string(i), {}, now);
      evicted += registry.evict(now, 0, [](std::size_t) { return std::size_t{0}; });
    }
    return evicted;
  }
  Status status(const std::string& id = "a") { return registry.find("SHOP", id, now)->status; }
  std::vector<std::pair<std::string, Action>> delta() {
    std::vector<std::pair<std::string, Action>> found;
    registry.each_recent([&](const RegisteredInstance& i) { found.emplace_back(i.key(), i.action); });
    return found;
  }

  LeaseRegistry registry{LeaseRules{}};
  std::int64_t now = start_ms;
};

TEST_F(Leases, live_as_long_as_they_are_renewed) {
  enroll(instance_of("a"));
  now += 6000;
  EXPECT_TRUE(registry.find("SHOP", "a", now));
  EXPECT_EQ(registry.renew("SHOP", "a", {}, now), Renewed::ok);
  now += 6000;
  EXPECT_TRUE(registry.find("SHOP", "a", now));
  now += 1;
  EXPECT_FALSE(registry.find("SHOP", "a", now)) << "a lease that has ended is not shown";
  EXPECT_EQ(registry.size(), 1u) << "before it is evicted";
  EXPECT_EQ(registry.renew("SHOP", "b", {}, now), Renewed::unknown);
}

TEST_F(Leases, judge_lastDirtyTimestamp) {
  enroll(instance_of("a"));
  EXPECT_EQ(registry.renew("SHOP", "a", {100, {}, Source::client}, now), Renewed::ok);
  EXPECT_EQ(registry.renew("SHOP", "a", {101, {}, Source::client}, now), Renewed::unknown);
  EXPECT_EQ(registry.renew("SHOP", "a", {99, {}, Source::client}, now), Renewed::ok);
  EXPECT_EQ(registry.renew("SHOP", "a", {99, {}, Source::peer}, now), Renewed::conflict);
  EXPECT_EQ(registry.renew("SHOP", "a", {101, {}, Source::peer}, now), Renewed::unknown);
}

TEST_F(Leases, keep_the_newer_of_two_registrations) {
  enroll(instance_of("a", Status::down, 200));
  enroll(instance_of("a", Status::up, 100));
  EXPECT_EQ(status(), Status::down);
  enroll(instance_of("a", Status::up, 300));
  EXPECT_EQ(status(), Status::up);
}

TEST_F(Leases, keep_an_override_through_heartbeats_and_registrations) {
  enroll(instance_of("a"));
  EXPECT_TRUE(registry.override_status("SHOP", "a", Status::out_of_service, {}, now));
  EXPECT_EQ(registry.renew("SHOP", "a", {100, {}, Source::client}, now), Renewed::ok);
  EXPECT_EQ(status(), Status::out_of_service);
  enroll(instance_of("a", Status::up, 200));
  EXPECT_EQ(status(), Status::out_of_service);
  EXPECT_EQ(registry.hash(), "OUT_OF_SERVICE_1_");
  enroll(instance_of("a", Status::down, 300));
  EXPECT_EQ(status(), Status::down) << "DOWN is believed";
  EXPECT_TRUE(registry.drop_override("SHOP", "a", Status::up, {}, now));
  EXPECT_EQ(status(), Status::up);
  EXPECT_TRUE(registry.drop_override("SHOP", "a", Status::down, {}, now));
  EXPECT_EQ(status(), Status::up) << "there was no override";
}

TEST_F(Leases, let_an_instance_register_again_after_its_override_was_cancelled) {
  enroll(instance_of("a"));
  registry.override_status("SHOP", "a", Status::out_of_service, {}, now);
  registry.drop_override("SHOP", "a", {}, {}, now);
  EXPECT_EQ(status(), Status::unknown);
  EXPECT_EQ(registry.renew("SHOP", "a", {}, now), Renewed::unknown);
  enroll(instance_of("a", Status::up, 200));
  EXPECT_EQ(status(), Status::up);
}

TEST_F(Leases, ignore_out_of_service_without_an_override_but_believe_a_peer) {
  enroll(instance_of("a"));
  enroll(instance_of("a", Status::out_of_service, 200));
  EXPECT_EQ(status(), Status::up);
  enroll(instance_of("a", Status::out_of_service, 300), Source::peer);
  EXPECT_EQ(status(), Status::out_of_service);
}

TEST_F(Leases, tell_each_change_in_the_delta_once_and_for_a_time) {
  enroll(instance_of("a"));
  enroll(instance_of("b"));
  registry.override_status("SHOP", "a", Status::out_of_service, {}, now);
  EXPECT_TRUE(registry.cancel("SHOP", "b", now));
  EXPECT_FALSE(registry.cancel("SHOP", "b", now));
  using Changes = std::vector<std::pair<std::string, Action>>;
  EXPECT_EQ(delta(), (Changes{{"a", Action::modified}, {"b", Action::deleted}}));
  EXPECT_TRUE(registry.put_metadata("SHOP", "a", {{"colour", "blue"}}, now));
  const std::map<std::string, std::string> large{{"k", std::string(metadata_bytes_max - 1, 'x')}};
  EXPECT_EQ(registry.put_metadata("SHOP", "a", large, now).error().code, Code::payload_too_large)
      << "with what it has already";
  EXPECT_FALSE(registry.find("SHOP", "a", now)->metadata.contains("k"));
  EXPECT_EQ(registry.put_metadata("SHOP", "unknown", {{"colour", "red"}}, now).error().code, Code::not_found);
  EXPECT_EQ(delta(), (Changes{{"b", Action::deleted}, {"a", Action::added}}));
  registry.sweep(now + 180'001);
  EXPECT_TRUE(delta().empty());
}

TEST_F(Leases, count_the_hash_over_all_statuses) {
  enroll(instance_of("a"));
  enroll(instance_of("b"));
  enroll(instance_of("c", Status::down));
  EXPECT_EQ(registry.hash(), "DOWN_1_UP_2_");
  registry.cancel("SHOP", "c", now);
  registry.cancel("SHOP", "a", now);
  registry.cancel("SHOP", "b", now);
  EXPECT_EQ(registry.hash(), "");
}

TEST_F(Leases, evict_the_few_that_fell_silent) {
  fill(20);
  EXPECT_EQ(run(20, 2, 20), 2u);
  EXPECT_EQ(registry.size(), 18u);
  EXPECT_EQ(registry.history().back().what, "evicted");
}

TEST_F(Leases, evict_nobody_when_many_fall_silent_at_once) {
  fill(20);
  EXPECT_EQ(run(20, 10, 60), 0u);
  EXPECT_TRUE(registry.preservation().active);
  EXPECT_NE(registry.preservation().reason.find("10 of 20"), std::string::npos);
  run(20, 0, 4);
  EXPECT_FALSE(registry.preservation().active) << "they are back";
  EXPECT_EQ(registry.size(), 20u);
}

TEST_F(Leases, evict_at_most_fifteen_percent_at_once_without_self_preservation) {
  LeaseRules rules;
  rules.self_preservation = false;
  registry = LeaseRegistry(rules);
  fill(20);
  now += 10'000;
  const auto pick = [](std::size_t n) { return n - 1; };
  EXPECT_EQ(registry.evict(now, 0, pick), 3u);
  EXPECT_EQ(registry.evict(now, 0, pick), 3u);
  EXPECT_EQ(registry.evict(now, 5'000, pick), 0u) << "a late timer is not the instances' fault";
}

TEST_F(Leases, are_bounded) {
  LeaseRules rules;
  rules.instances_max = 2;
  rules.history_max = 3;
  rules.recent_max = 1;
  registry = LeaseRegistry(rules);
  fill(2);
  EXPECT_FALSE(registry.enroll(instance_of("more"), Source::client, now));
  EXPECT_TRUE(registry.enroll(instance_of("i0"), Source::client, now));
  registry.cancel("SHOP", "i0", now);
  EXPECT_EQ(registry.history().size(), 3u);
  EXPECT_EQ(delta().size(), 1u);
}

/// An instance with as much as is allowed.
RegisteredInstance large_instance(const std::string& id) {
  auto instance = instance_of(id);
  instance.metadata["k"] = std::string(metadata_bytes_max - 1, '&');
  return instance;
}

TEST_F(Leases, take_over_what_a_peer_says_of_an_override) {
  enroll(instance_of("a"));
  EXPECT_EQ(registry.renew("SHOP", "a", {{}, Status::out_of_service, Source::client}, now), Renewed::ok);
  EXPECT_EQ(status(), Status::up) << "a client's heartbeat sets no override";
  EXPECT_EQ(registry.renew("SHOP", "a", {101, Status::unknown, Source::peer}, now), Renewed::unknown);
  EXPECT_EQ(status(), Status::up);
  EXPECT_EQ(registry.renew("SHOP", "a", {101, Status::out_of_service, Source::peer}, now), Renewed::unknown);
  EXPECT_EQ(status(), Status::out_of_service);
  EXPECT_EQ(registry.hash(), "OUT_OF_SERVICE_1_");
  EXPECT_EQ(registry.renew("SHOP", "a", {101, Status::down, Source::peer}, now), Renewed::unknown);
  EXPECT_EQ(status(), Status::out_of_service) << "the first override stays";
  RegisteredInstance told = instance_of("b");
  told.overridden = Status::out_of_service;
  enroll(told, Source::peer);
  EXPECT_EQ(status("b"), Status::out_of_service);
}

TEST_F(Leases, get_no_override_back_by_a_heartbeat_that_waited_at_a_peer) {
  enroll(instance_of("a"));
  registry.override_status("SHOP", "a", Status::out_of_service, {}, now);
  registry.drop_override("SHOP", "a", Status::up, {}, now);
  for (const auto dirty_ms : {std::optional<std::int64_t>(), std::optional<std::int64_t>(100)})
    EXPECT_EQ(registry.renew("SHOP", "a", {dirty_ms, Status::out_of_service, Source::peer}, now),
              Renewed::ok);
  EXPECT_EQ(registry.renew("SHOP", "a", {99, Status::out_of_service, Source::peer}, now), Renewed::conflict);
  EXPECT_EQ(status(), Status::up);
  EXPECT_EQ(registry.find("SHOP", "a", now)->overridden, Status::unknown);
}

TEST_F(Leases, know_nothing_of_strangers) {
  enroll(instance_of("a"));
  const std::uint64_t version = registry.version();
  for (const auto& [app, id] : {std::pair{"SHOP", "x"}, std::pair{"NONE", "a"}}) {
    EXPECT_FALSE(registry.cancel(app, id, now));
    EXPECT_FALSE(registry.override_status(app, id, Status::down, {}, now));
    EXPECT_FALSE(registry.drop_override(app, id, {}, {}, now));
    EXPECT_EQ(registry.put_metadata(app, id, {{"k", "v"}}, now).error().code, Code::not_found);
    EXPECT_FALSE(registry.find(app, id, now));
  }
  registry.each_of("NONE", [](const RegisteredInstance& each) { ADD_FAILURE() << each.key(); });
  EXPECT_FALSE(registry.find_by_id("x", now));
  EXPECT_EQ(registry.version(), version) << "nothing changed";
}

TEST_F(Leases, change_once_and_date_it_by_the_newest_word) {
  enroll(instance_of("a", Status::starting));
  enroll(instance_of("b"));
  EXPECT_TRUE(registry.override_status("SHOP", "a", Status::up, 150, now + 5, "kim"));
  const auto shown = registry.find("SHOP", "a", now);
  EXPECT_EQ(shown->lease.up_ms, now + 5);
  EXPECT_EQ(shown->dirty_ms, 150);
  EXPECT_EQ(registry.history().back().why, "set to UP by kim");
  const std::uint64_t version = registry.version();
  EXPECT_TRUE(registry.override_status("SHOP", "a", Status::up, 900, now));
  EXPECT_EQ(registry.version(), version) << "it was UP";
  EXPECT_TRUE(registry.drop_override("SHOP", "a", Status::down, 120, now, "lee"));
  EXPECT_EQ(registry.find("SHOP", "a", now)->dirty_ms, 150) << "an older word does not set it back";
  EXPECT_EQ(registry.history().back().why, "override dropped: DOWN by lee");
  EXPECT_EQ(registry.hash(), "DOWN_1_UP_1_");
  EXPECT_EQ(registry.find_by_id("b", now)->key(), "b");
  EXPECT_EQ(registry.expected_per_minute(), 60u) << "two instances, each every two seconds";
}

TEST_F(Leases, are_shown_by_application_also_when_they_have_ended) {
  enroll(instance_of("b"));
  enroll(instance_of("a"));
  auto other = instance_of("c");
  other.app = "ADMIN";
  enroll(other);
  now += 60'000;
  std::vector<std::string> seen;
  const auto note = [&](const RegisteredInstance& each) { seen.push_back(each.app + "/" + each.key()); };
  registry.each(note);
  EXPECT_EQ(seen, (std::vector<std::string>{"ADMIN/c", "SHOP/a", "SHOP/b"}));
  seen.clear();
  registry.each_of("SHOP", note);
  EXPECT_EQ(seen, (std::vector<std::string>{"SHOP/a", "SHOP/b"}));
  seen.clear();
  registry.look("SHOP", "x", note);
  EXPECT_TRUE(seen.empty());
  EXPECT_FALSE(registry.find_by_id("a", now)) << "its lease has ended";
}

TEST_F(Leases, keep_their_date_when_an_override_is_older_or_none) {
  enroll(instance_of("a", Status::up, 100));
  EXPECT_TRUE(registry.override_status("SHOP", "a", Status::down, 50, now));
  EXPECT_EQ(registry.find("SHOP", "a", now)->dirty_ms, 100);
  EXPECT_TRUE(registry.override_status("SHOP", "a", Status::up, {}, now + 1));
  EXPECT_EQ(registry.find("SHOP", "a", now)->dirty_ms, 100);
  EXPECT_EQ(registry.find("SHOP", "a", now)->lease.up_ms, start_ms) << "it was UP from its start";
  EXPECT_TRUE(registry.drop_override("SHOP", "a", {}, 150, now));
  EXPECT_EQ(registry.find("SHOP", "a", now)->dirty_ms, 150);
  EXPECT_EQ(status(), Status::unknown);
  EXPECT_EQ(registry.renew("SHOP", "a", {}, now), Renewed::unknown) << "it registers again";
  EXPECT_TRUE(registry.drop_override("SHOP", "a", Status::up, {}, now)) << "there is none any more";
  EXPECT_EQ(status(), Status::unknown);
  enroll(instance_of("b", Status::up, 0));
  EXPECT_EQ(registry.find("SHOP", "b", now)->dirty_ms, now) << "a client that has none: now";
}

TEST_F(Leases, of_a_peer_tell_no_override_over_the_one_that_is_known) {
  enroll(instance_of("a"));
  registry.override_status("SHOP", "a", Status::out_of_service, {}, now);
  auto told = instance_of("a", Status::up, 200);
  told.overridden = Status::down;
  enroll(told, Source::peer);
  EXPECT_EQ(status(), Status::out_of_service);
}

TEST_F(Leases, forget_overrides_without_an_instance_after_a_time) {
  enroll(instance_of("a"));
  registry.override_status("SHOP", "a", Status::out_of_service, {}, now);
  now += LeaseRules{}.override_ms_max + 1;
  registry.sweep(now);
  enroll(instance_of("a", Status::up, 200));
  EXPECT_EQ(status(), Status::out_of_service) << "its instance is still there";
}

TEST(LeaseRegistryBounds, refuse_metadata_that_does_not_fit_and_keep_what_was) {
  LeaseRules rules;
  rules.registry_bytes_max = cost_of(instance_of("a")) + 500;
  LeaseRegistry registry(rules);
  int told = 0;
  registry.on_change([&told](const RegisteredInstance&) { ++told; });
  ASSERT_TRUE(registry.enroll(instance_of("a"), Source::client, start_ms));
  const std::size_t bytes = registry.bytes();
  EXPECT_EQ(registry.put_metadata("SHOP", "a", {{"k", std::string(900, 'v')}}, start_ms).error().code,
            Code::overloaded);
  EXPECT_TRUE(registry.find("SHOP", "a", start_ms)->metadata.empty());
  EXPECT_EQ(registry.bytes(), bytes);
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(registry.put_metadata("SHOP", "a", {{"k", "v"}}, start_ms));
  EXPECT_EQ(registry.find("SHOP", "a", start_ms)->metadata.at("k"), "v");
  EXPECT_EQ(told, 2);
}

TEST(LeaseRegistryBounds, counts_what_it_keeps) {
  LeaseRules rules;
  rules.registry_bytes_max = 10 * cost_of(large_instance("a"));
  LeaseRegistry registry(rules);
  const auto enroll = [&](const std::string& id) {
    return registry.enroll(large_instance(id), Source::client, 0);
  };
  for (char id = 'a'; id < 'k'; ++id) EXPECT_TRUE(enroll({id}));
  EXPECT_EQ(registry.bytes(), rules.registry_bytes_max);
  const auto full = enroll("k");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::overloaded);
  EXPECT_NE(full.error().detail.find("registry_bytes_max"), std::string::npos);
  EXPECT_TRUE(enroll("a")) << "who is there may register again";
  auto small = instance_of("a");
  small.dirty_ms = 200;
  EXPECT_TRUE(registry.enroll(small, Source::client, 0));
  EXPECT_FALSE(
      registry.put_metadata("SHOP", "a", {{"k", std::string(metadata_bytes_max - 1, '&')}, {"l", ""}}, 0));
  EXPECT_TRUE(registry.put_metadata("SHOP", "a", {{"k", std::string(1000, '&')}}, 0));
  for (char id = 'a'; id < 'k'; ++id) EXPECT_TRUE(registry.cancel("SHOP", {id}, 0));
  registry.sweep(rules.recent_ms_max + 1);
  EXPECT_EQ(registry.bytes(), 0u);
}

TEST(LeaseRegistryBounds, forgets_removed_instances_that_take_too_much) {
  LeaseRules rules;
  rules.removed_bytes_max = 3 * cost_of(large_instance("i99"));
  LeaseRegistry registry(rules);
  ASSERT_TRUE(registry.enroll(instance_of("stays"), Source::client, 0));
  for (int i = 0; i < 100; ++i) {
    const std::string id = "i" + std::to_string(i);
    ASSERT_TRUE(registry.enroll(large_instance(id), Source::client, 0));
    ASSERT_TRUE(registry.cancel("SHOP", id, 0));
    EXPECT_LE(registry.bytes(), rules.removed_bytes_max + cost_of(instance_of("stays")));
  }
  std::vector<std::string> told;
  registry.each_recent([&](const RegisteredInstance& i) { told.push_back(i.key()); });
  EXPECT_EQ(told.size(), 4u) << "the newest three, and the one that is there";
}

}  // namespace
}  // namespace market::registry
