#include "services/order/send_webhooks.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/memory_webhooks.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::order {
namespace {

struct ScriptedSender final : WebhookSender {
  std::string trouble_with(const std::string&) const override { return {}; }
  Task<WebhookAnswer> post_event(WebhookPost post) override {
    posts.push_back(post);
    if (meanwhile) meanwhile();
    if (throws-- > 0) throw std::runtime_error("asked for");
    if (full-- > 0) co_return fail(Code::overloaded, "no room");
    WebhookAnswer answer{200, {}};
    if (failures > 0) answer = WebhookAnswer{500, "the receiver answered 500"};
    if (failures > 0) --failures;
    co_return answer;
  }
  std::string new_secret() override { return "whsec_x"; }
  void stop() override { stopped = true; }
  std::vector<WebhookPost> posts;
  int failures = 0, throws = 0, full = 0;
  std::function<void()> meanwhile;
  bool stopped = false;
};

class SendWebhooksTest : public testing::Test {
 protected:
  SendWebhooksTest() {
    webhooks_.all[WebhookId{1}].secret = "new";
    webhooks_.all[WebhookId{1}].previous_secret = "old";
    webhooks_.all[WebhookId{1}].previous_until = clock_.time + Millis(1'000);
  }
  ~SendWebhooksTest() override {
    std::thread runs([this] { io_.run_for(Millis(500)); });
    EXPECT_TRUE(sending_.stop());
    runs.join();
    EXPECT_TRUE(sender_.stopped);
  }
  void add(std::int64_t id, std::int64_t webhook = 1) {
    Delivery each;
    each.id = DeliveryId{id};
    each.webhook = WebhookId{webhook};
    each.event_id = "evt_" + std::to_string(id);
    each.payload = "{}";
    webhooks_.rows[each.id] = each;
  }
  bool work(const std::function<bool()>& done) {
    for (int i = 0; i < 3'000 && !done(); ++i) {
      io_.restart();
      io_.run_for(Millis(2));
    }
    return done();
  }
  const Delivery& row(std::int64_t id) { return webhooks_.rows.at(DeliveryId{id}); }

  asio::io_context io_{1};
  tests::MovedClock clock_;
  tests::CountingRandom random_;
  tests::MemoryWebhooks webhooks_;
  ScriptedSender sender_;
  std::vector<std::string> warnings_;
  SendWebhooks sending_{webhooks_,
                        sender_,
                        random_,
                        clock_,
                        io_.get_executor(),
                        [this](const std::string& line) { warnings_.push_back(line); },
                        WebhookLimits{.attempts_max = 4, .look_every = Millis(1)}};
};

TEST_F(SendWebhooksTest, GoesOnBehindALookAndAPostThatThrow) {
  webhooks_.throws = sender_.throws = 1;
  add(1);
  sending_.start();
  const auto delivered = [&] {
    clock_.time += Millis(1'000);  // A webhook that failed rests.
    return row(1).state == DeliveryState::delivered;
  };
  EXPECT_TRUE(work(delivered));
  EXPECT_EQ(sender_.posts.size(), 2u);
}

TEST_F(SendWebhooksTest, EachIsPostedOnceWithBothSecretsWhileTheOldOneCounts) {
  add(1);
  add(2);
  sending_.start();
  EXPECT_TRUE(work([&] { return row(2).state == DeliveryState::delivered; }));
  ASSERT_EQ(sender_.posts.size(), 2u);
  EXPECT_EQ(sender_.posts[0].secrets, (std::vector<std::string>{"new", "old"}));
  EXPECT_EQ(sender_.posts[1].id, "evt_2");
  clock_.time += Millis(1'000);
  add(3);
  sending_.poke();
  EXPECT_TRUE(work([&] { return row(3).state == DeliveryState::delivered; }));
  EXPECT_EQ(sender_.posts[2].secrets, std::vector<std::string>{"new"});
  EXPECT_EQ(sending_.counters().delivered.load(), 3u);
}

TEST_F(SendWebhooksTest, OneThatFailsTooOftenIsGivenUpWithItsReason) {
  add(1);
  sender_.failures = 100;
  sending_.start();
  EXPECT_TRUE(work([&] {
    clock_.time += Millis(120'000);
    return row(1).state == DeliveryState::failed;
  }));
  EXPECT_EQ(row(1).attempts, 4);
  EXPECT_EQ(row(1).reason, "the receiver answered 500");
  EXPECT_EQ(sending_.counters().retried.load(), 3u);
  EXPECT_EQ(sending_.counters().failed.load(), 1u);
  ASSERT_EQ(warnings_.size(), 1u);
  for (const WebhookPost& post : sender_.posts) EXPECT_EQ(post.id, "evt_1");
}

TEST_F(SendWebhooksTest, WhatAnotherInstanceDeliveredMeanwhileIsNotGivenUp) {
  add(1);
  webhooks_.rows.at(DeliveryId{1}).attempts = 3;
  sender_.failures = 1;
  sender_.meanwhile = [this] { webhooks_.rows.at(DeliveryId{1}).state = DeliveryState::delivered; };
  sending_.start();
  EXPECT_TRUE(work([&] { return sender_.posts.size() == 1; }));
  io_.restart();
  io_.run_for(Millis(50));
  EXPECT_EQ(row(1).state, DeliveryState::delivered);
  EXPECT_EQ(warnings_, std::vector<std::string>());
  EXPECT_EQ(sending_.counters().failed.load(), 0u);
}

TEST_F(SendWebhooksTest, AReceiverThatFailsIsLeftAloneForAWhile) {
  for (int i = 1; i <= 20; ++i) add(i);
  sender_.failures = 1;
  sending_.start();
  EXPECT_TRUE(work([&] { return sender_.posts.size() == 1; }));
  int looks = 0;
  work([&] { return ++looks > 50; });
  EXPECT_EQ(sender_.posts.size(), 1u) << "not the next one at once";
  clock_.time += Millis(500);
  EXPECT_TRUE(work([&] { return sender_.posts.size() == 20; }));
}

TEST_F(SendWebhooksTest, AClockThatIsSetBackLetsNobodyRestLonger) {
  add(1);
  add(2);
  sender_.failures = 1;
  sending_.start();
  EXPECT_TRUE(work([&] { return row(1).attempts == 1; }));
  clock_.time -= std::chrono::hours(1);
  EXPECT_TRUE(work([&] { return row(2).state == DeliveryState::delivered; }));
}

TEST_F(SendWebhooksTest, WantOfRoomHereIsNoFailureOfTheReceiver) {
  add(1);
  sender_.full = 6;
  sending_.start();
  for (std::size_t tried = 1; tried <= 7; ++tried) {
    EXPECT_TRUE(work([&] { return sender_.posts.size() == tried; })) << "it rests no longer each time";
    clock_.time += Millis(500);
  }
  EXPECT_TRUE(work([&] { return row(1).state == DeliveryState::delivered; }));
  EXPECT_EQ(row(1).attempts, 0);
}

TEST_F(SendWebhooksTest, EachPostSaysWhoseWebhookItIs) {
  webhooks_.all[WebhookId{2}].owner = UserId{7};
  add(1);
  add(2, 2);
  sending_.start();
  EXPECT_TRUE(work([&] { return sender_.posts.size() == 2; }));
  for (const WebhookPost& post : sender_.posts)
    EXPECT_EQ(post.seller, post.id == "evt_2" ? UserId{7} : UserId{});
}

TEST_F(SendWebhooksTest, ARemovedWebhookIsNoTrouble) {
  add(1, 9);
  add(2);
  sending_.start();
  EXPECT_TRUE(work([&] { return row(2).state == DeliveryState::delivered; }));
  EXPECT_EQ(row(1).state, DeliveryState::waiting);
  EXPECT_EQ(sender_.posts.size(), 1u);
}

}  // namespace
}  // namespace market::order
