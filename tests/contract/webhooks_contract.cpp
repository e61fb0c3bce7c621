/// ports/webhooks.hpp: what every adapter must keep.
#include <fstream>

#include "adapters/sql/main_database.hpp"
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
  const Webhook found = *run(webhooks_.find(WebhookId{1}, {}));
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
  const Webhook found = *run(webhooks_.find(WebhookId{1}, {}));
  EXPECT_EQ(found.secret, "whsec_new");
  EXPECT_EQ(found.previous_secret, "whsec_quartermain");
  EXPECT_EQ(found.previous_until, at(99));
  EXPECT_EQ(run(webhooks_.update(WebhookId{9}, {}, patch)).error().code, Code::not_found);
  EXPECT_EQ(run(webhooks_.find(WebhookId{0}, {})).error().code, Code::not_found);
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
  ASSERT_TRUE(run(webhooks_.mark_failed(DeliveryId{5}, 0, at(60), 503, "busy")));
  EXPECT_EQ(due(9), (Ids{6, 7})) << "one that waits holds up no other";
  ASSERT_TRUE(run(webhooks_.mark_failed(DeliveryId{5}, 1, std::nullopt, 0, "gone")));
  const Delivery failed =
      run(webhooks_.deliveries({{}, WebhookId{1}, DeliveryState::failed, {}}, 9))->front();
  EXPECT_EQ(failed.attempts, 2);
  EXPECT_EQ(failed.reason, "gone");
  EXPECT_EQ(failed.payload, delivery(5, 1).payload);
  EXPECT_EQ(run(webhooks_.replay(DeliveryId{5}, {}, at(70)))->attempts, 0);
  EXPECT_EQ(due(70), (Ids{6, 7}));
  EXPECT_EQ(run(webhooks_.replay(DeliveryId{99}, {}, at(70))).error().code, Code::not_found);
}

TEST_P(WebhooksContract, AFormerSendersMarkIsLate) {
  make(1);
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {delivery(5, 1), delivery(6, 1)}, {})));
  // Another instance has tried the one and delivered the other.
  EXPECT_TRUE(*run(webhooks_.mark_failed(DeliveryId{5}, 0, at(60), 503, "busy")));
  ASSERT_TRUE(run(webhooks_.mark_delivered(DeliveryId{6}, at(7), 204)));
  EXPECT_FALSE(*run(webhooks_.mark_failed(DeliveryId{5}, 0, std::nullopt, 0, "gone")));
  EXPECT_FALSE(*run(webhooks_.mark_failed(DeliveryId{6}, 0, at(60), 503, "busy")));
  ASSERT_TRUE(run(webhooks_.mark_delivered(DeliveryId{6}, at(9), 200)));
  EXPECT_EQ(due(60), Ids{5});
  const Delivery delivered =
      run(webhooks_.deliveries({{}, WebhookId{1}, DeliveryState::delivered, {}}, 9))->front();
  EXPECT_EQ(delivered.delivered_at, at(7));
  EXPECT_EQ(delivered.attempts, 1);
  EXPECT_EQ(delivered.status, 204);
}

TEST_P(WebhooksContract, OneWhoseSecretCannotBeReadHidesNoOtherAndCanBeRemoved) {
  make(1);
  make(2);
  ASSERT_TRUE(run(database_.write([](soci::session& sql) -> Result<> {
    sql << "UPDATE webhooks SET secret = url WHERE id = 1";
    return {};
  })));
  const auto all = run(webhooks_.list({}));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front().secret, "");
  EXPECT_EQ(run(webhooks_.find(WebhookId{1}, {})).error().code, Code::internal)
      << "nothing is signed with nothing";
  EXPECT_TRUE(run(webhooks_.find(WebhookId{2}, {})));
  EXPECT_TRUE(run(webhooks_.remove(WebhookId{1}, {})));
}

TEST_P(WebhooksContract, ARemovedOneTakesItsDeliveriesAlong) {
  make(1);
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {delivery(5, 1)}, {})));
  ASSERT_TRUE(run(webhooks_.remove(WebhookId{1}, {})));
  EXPECT_EQ(run(webhooks_.remove(WebhookId{1}, {})).error().code, Code::not_found);
  EXPECT_TRUE(run(webhooks_.deliveries({}, 10))->empty());
}

/// What sellers may have, and that nobody reaches another's.
class OwnedWebhooksContract : public WebhooksContract {
 protected:
  static constexpr UserId seller{51}, other{52};
  void make_account(UserId id, const char* role) {
    const auto made = database_.write_now([&](soci::session& sql) -> Result<> {
      const long long key = id.value;
      const std::string index = "index-" + std::to_string(key), name = role;
      sql << "INSERT INTO accounts(id, email_index, email, name, role, email_verified, password_hash, "
             "created_at, "
             "mac) VALUES(:id, :index, 'e', 'n', :role, 1, 'h', 0, '')",
          soci::use(key), soci::use(index), soci::use(name);
      return {};
    });
    ASSERT_TRUE(made) << made.error().detail;
  }
  void become(UserId id, const char* role) {
    const auto done = database_.write_now([&](soci::session& sql) -> Result<> {
      const long long key = id.value;
      const std::string name = role;
      sql << "UPDATE accounts SET role = :role WHERE id = :id", soci::use(name), soci::use(key);
      return {};
    });
    ASSERT_TRUE(done);
  }
  Webhook own(std::int64_t id, UserId of) {
    Webhook each = webhook(id);
    each.owner = of;
    return each;
  }
};

TEST_P(OwnedWebhooksContract, AreTheirOwnersAlone) {
  make_account(seller, "seller");
  make_account(other, "seller");
  ASSERT_TRUE(run(webhooks_.create(own(1, seller), {})));
  make(2);
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {delivery(5, 1)}, {})));
  EXPECT_EQ(run(webhooks_.list(seller))->size(), 1u);
  EXPECT_TRUE(run(webhooks_.list(other))->empty());
  EXPECT_EQ(run(webhooks_.list({}))->size(), 2u) << "operators see all";
  EXPECT_EQ(run(webhooks_.find(WebhookId{1}, seller))->owner, seller);
  for (const std::int64_t id : {1, 2}) {
    EXPECT_EQ(run(webhooks_.find(WebhookId{id}, other)).error().code, Code::not_found);
    EXPECT_EQ(run(webhooks_.update(WebhookId{id}, other, {})).error().code, Code::not_found);
    EXPECT_EQ(run(webhooks_.remove(WebhookId{id}, other)).error().code, Code::not_found);
  }
  EXPECT_EQ(run(webhooks_.deliveries({seller, {}, {}, {}}, 9))->size(), 1u);
  EXPECT_TRUE(run(webhooks_.deliveries({other, {}, {}, {}}, 9))->empty());
  EXPECT_TRUE(run(webhooks_.deliveries({other, WebhookId{1}, {}, {}}, 9))->empty());
  EXPECT_EQ(run(webhooks_.replay(DeliveryId{5}, other, at(9))).error().code, Code::not_found);
  ASSERT_TRUE(run(webhooks_.replay(DeliveryId{5}, seller, at(9))));
}

TEST_P(OwnedWebhooksContract, ASellerHasRoomForFiveAndTakesNoneOfOperators) {
  for (std::int64_t id = 1; id <= webhooks_per_seller_max; ++id)
    ASSERT_TRUE(run(webhooks_.create(own(id, seller), {})));
  EXPECT_EQ(run(webhooks_.create(own(99, seller), {})).error().code, Code::list_full);
  for (std::int64_t id = 100; id < 100 + webhooks_max; ++id) make(id);
  for (std::int64_t id = 200; id < 200 + webhooks_of_sellers_max - webhooks_per_seller_max; ++id)
    ASSERT_TRUE(run(webhooks_.create(own(id, UserId{id}), {})));
  EXPECT_EQ(run(webhooks_.create(own(999, other), {})).error().code, Code::list_full)
      << "all sellers together";
}

TEST_P(OwnedWebhooksContract, OnlyWhoIsASellerStillIsTold) {
  make_account(seller, "seller");
  ASSERT_TRUE(run(webhooks_.create(own(1, seller), {})));
  ASSERT_TRUE(run(webhooks_.add(WebhookId{1}, {delivery(5, 1)}, {})));
  ASSERT_EQ(run(webhooks_.feeds())->size(), 1u);
  EXPECT_EQ(run(webhooks_.feeds())->front().owner, seller);
  EXPECT_EQ(due(9), Ids{5});
  become(seller, "customer");
  EXPECT_TRUE(run(webhooks_.feeds())->empty());
  EXPECT_EQ(due(9), Ids{});
  become(seller, "admin");
  EXPECT_EQ(due(9), Ids{5});
}

TEST_P(OwnedWebhooksContract, OneThatWasGivenToAnotherPastTheMarketIsToldNothing) {
  make_account(other, "seller");
  ASSERT_TRUE(run(webhooks_.create(own(1, seller), {})));
  const auto given = database_.write_now([](soci::session& sql) -> Result<> {
    sql << "UPDATE webhooks SET owner_id = 52";
    return {};
  });
  ASSERT_TRUE(given);
  EXPECT_TRUE(run(webhooks_.feeds())->empty());
  EXPECT_EQ(run(webhooks_.find(WebhookId{1}, other)).error().code, Code::internal);
  EXPECT_TRUE(run(webhooks_.list(other))->empty());
  EXPECT_EQ(run(webhooks_.list({}))->size(), 1u) << "it is there to be removed";
  EXPECT_TRUE(run(webhooks_.remove(WebhookId{1}, {})));
  EXPECT_TRUE(run(webhooks_.list({}))->empty());
}

MARKET_ON_EACH_DATABASE(OwnedWebhooksContract);
MARKET_ON_EACH_DATABASE(WebhooksContract);

}  // namespace
}  // namespace market::contract
