/// ports/webhooks.hpp: what every adapter must keep.
#include <fstream>

#include "adapters/sql/webhooks.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

class WebhooksContract : public MainDatabaseContract {
 protected:
  static Webhook webhook(std::int64_t id) {
    Webhook each;
    each.id = WebhookId{id};
    each.url = "https://zebulon.example/" + std::to_string(id);
    each.secret = "whsec_quartermain";
    each.created_at = at(id);
    return each;
  }
  static Delivery delivery(std::int64_t id, std::int64_t webhook) {
    Delivery each;
    each.id = DeliveryId{id};
    each.webhook = WebhookId{webhook};
    each.event_id = "evt_" + std::to_string(id);
    each.kind = "order.paid";
    each.order = OrderId{7};
    each.payload = R"({"name":"'; DROP TABLE webhooks; --"})";
    each.created_at = each.next_at = at(id);
    return each;
  }
  void make(std::int64_t id) { ASSERT_TRUE(run(webhooks_.create(webhook(id), {}))); }
  std::vector<std::int64_t> due(std::int64_t second, std::vector<WebhookId> busy = {}) {
    std::vector<std::int64_t> ids;
    const auto found = run(webhooks_.due(at(second), std::move(busy)));
    for (const Delivery& each : *found) ids.push_back(each.id.value);
    return ids;
  }
  using Ids = std::vector<std::int64_t>;
  sql::SqlWebhooks webhooks_{database_, cipher_};
};

TEST_P(WebhooksContract, KeepsWhatItWasGivenAndNoAddressInTheClear) {
  Webhook wanted = webhook(1);
  wanted.events = {"order.paid", "order.shipped"};
  ASSERT_TRUE(run(webhooks_.create(wanted, {})));
  const Webhook found = *run(webhooks_.find(WebhookId{1}));
  EXPECT_EQ(found.url, wanted.url);
  EXPECT_EQ(found.secret, wanted.secret);
  EXPECT_EQ(found.events, wanted.events);
  EXPECT_TRUE(found.active);
  EXPECT_EQ(found.created_at, wanted.created_at);
  std::string disk;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    disk.append(std::istreambuf_iterator<char>(file), {});
  }
  for (const char* word : {"zebulon", "quartermain"}) EXPECT_EQ(disk.find(word), std::string::npos) << word;
}

TEST_P(WebhooksContract, ChangesWhatIsNamedAndKeepsTheSecretBefore) {
  make(1);
  WebhookPatch patch;
  patch.active = false;
  patch.secret = "whsec_new";
  patch.previous_until = at(99);
  const Webhook changed = *run(webhooks_.update(WebhookId{1}, {}, patch));
  EXPECT_FALSE(changed.active);
  EXPECT_EQ(changed.url, webhook(1).url);
  const Webhook found = *run(webhooks_.find(WebhookId{1}));
  EXPECT_EQ(found.secret, "whsec_new");
  EXPECT_EQ(found.previous_secret, "whsec_quartermain");
  EXPECT_EQ(found.previous_until, at(99));
  EXPECT_EQ(run(webhooks_.update(WebhookId{9}, {}, patch)).error().code, Code::not_found);
  EXPECT_EQ(run(webhooks_.find(WebhookId{0})).error().code, Code::not_found);
}

TEST_P(WebhooksContract, TakesTwenty) {
  for (std::int64_t id = 1; id <= webhooks_max; ++id) make(id);
  EXPECT_EQ(run(webhooks_.create(webhook(99), {})).error().code, Code::list_full);
  EXPECT_EQ(run(webhooks_.list({}))->size(), static_cast<std::size_t>(webhooks_max));
}

TEST_P(WebhooksContract, DeliveriesAndTheirPlaceAreStoredTogetherAndOnce) {
  make(1);
  make(2);
  const FollowedTo to{LogId{UINT64_MAX, 2, 3}, UINT64_MAX - 1, 40, 7, UINT64_MAX, 41};
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {delivery(5, 1)}, to)));
  ASSERT_TRUE(run(webhooks_.add(WebhookId{2}, {delivery(6, 2)}, {})));
  Delivery again = delivery(7, 1);
  again.event_id = "evt_5";
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {again}, to)));
  const auto feeds = *run(webhooks_.feeds());
  ASSERT_EQ(feeds.size(), 2u);
  EXPECT_EQ(feeds[0].at, to);
  EXPECT_EQ(feeds[1].at, FollowedTo{});
  EXPECT_EQ(due(9), (Ids{5, 6}));
  ASSERT_TRUE(run(webhooks_.add(WebhookId{9}, {delivery(8, 9)}, to))) << "removed meanwhile";
  EXPECT_EQ(run(webhooks_.deliveries({}, 10))->size(), 2u);
}

TEST_P(WebhooksContract, OneThatHasNoRoomOrIsStoppedIsNotFed) {
  make(1);
  std::vector<Delivery> many;
  for (std::int64_t id = 1; id <= deliveries_waiting_max; ++id) many.push_back(delivery(id, 1));
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, std::move(many), {})));
  EXPECT_TRUE(run(webhooks_.feeds())->empty());
  ASSERT_TRUE(run(webhooks_.mark_delivered(DeliveryId{3}, at(5), 204)));
  EXPECT_EQ(run(webhooks_.feeds())->size(), 1u);
  WebhookPatch stop;
  stop.active = false;
  ASSERT_TRUE(run(webhooks_.update(WebhookId{1}, {}, stop)));
  EXPECT_TRUE(run(webhooks_.feeds())->empty());
  EXPECT_EQ(due(9'999), Ids{}) << "nor is anything sent to it";
}

TEST_P(WebhooksContract, OneOfEachIsDueInTurnAndNoneOfThoseThatAreBusy) {
  make(1);
  make(2);
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {delivery(6, 1), delivery(5, 1)}, {})));
  ASSERT_TRUE(run(webhooks_.add(WebhookId{2}, {delivery(7, 2)}, {})));
  EXPECT_EQ(due(4), Ids{});
  EXPECT_EQ(due(9), (Ids{5, 7}));
  EXPECT_EQ(due(9, {WebhookId{1}}), Ids{7});
  ASSERT_TRUE(run(webhooks_.mark_failed(DeliveryId{5}, at(60), 503, "busy")));
  EXPECT_EQ(due(9), (Ids{6, 7})) << "one that waits holds up no other";
  ASSERT_TRUE(run(webhooks_.mark_failed(DeliveryId{5}, std::nullopt, 0, "gone")));
  const Delivery failed =
      run(webhooks_.deliveries({{}, WebhookId{1}, DeliveryState::failed, {}}, 9))->front();
  EXPECT_EQ(failed.attempts, 2);
  EXPECT_EQ(failed.reason, "gone");
  EXPECT_EQ(failed.payload, delivery(5, 1).payload);
  EXPECT_EQ(run(webhooks_.replay(DeliveryId{5}, {}, at(70)))->attempts, 0);
  EXPECT_EQ(due(70), (Ids{6, 7}));
  EXPECT_EQ(run(webhooks_.replay(DeliveryId{99}, {}, at(70))).error().code, Code::not_found);
}

TEST_P(WebhooksContract, ARemovedOneTakesItsDeliveriesAlong) {
  make(1);
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {delivery(5, 1)}, {})));
  ASSERT_TRUE(run(webhooks_.remove(WebhookId{1}, {})));
  EXPECT_EQ(run(webhooks_.remove(WebhookId{1}, {})).error().code, Code::not_found);
  EXPECT_TRUE(run(webhooks_.deliveries({}, 10))->empty());
}

MARKET_ON_EACH_DATABASE(WebhooksContract);

}  // namespace
}  // namespace market::contract
