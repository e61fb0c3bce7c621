#include "services/order/feed_webhooks.hpp"

#include <gtest/gtest.h>

#include "tests/support/board_gate.hpp"
#include "tests/support/memory_webhooks.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::order {
namespace {

using tests::run;

FollowedTo to(Place place) {
  FollowedTo at;
  at.next = place + 1;
  at.last = at.done = place;
  return at;
}

/// What is told is tested end to end (tests/e2e); here is where a webhook stands that is told nothing.
class FeedWebhooksTest : public testing::Test {
 protected:
  FeedWebhooksTest() { webhooks_.fed = {{WebhookId{1}, {}, {}, to(10)}, {WebhookId{2}, {}, {}, to(10)}}; }
  std::vector<FollowedTo> places() {
    std::vector<FollowedTo> all;
    const auto followers = run(feed_.followers());
    for (const auto& follower : *followers) all.push_back(*follower.at);
    return all;
  }
  void take(std::int64_t webhook, FollowedTo at) { ASSERT_TRUE(run(feed_.take(webhook, {}, at))); }

  tests::MemoryWebhooks webhooks_;
  tests::MovedClock clock_;
  tests::BoardGate gate_{clock_};
  IdSource ids_{clock_};
  FeedWebhooks feed_{webhooks_, gate_, gate_.board, ids_, clock_, [] {}};
};

TEST_F(FeedWebhooksTest, OneThatIsToldNothingWritesRarely) {
  EXPECT_EQ(places(), (std::vector{to(10), to(10)}));
  for (Place place = 11; place < 10 + FeedWebhooks::unstored_max; ++place) take(1, to(place));
  EXPECT_EQ(webhooks_.adds, 0);
  EXPECT_EQ(places(), (std::vector{to(9 + FeedWebhooks::unstored_max), to(10)})) << "it goes on from there";
  take(1, to(10 + FeedWebhooks::unstored_max));
  EXPECT_EQ(webhooks_.adds, 1);
  EXPECT_EQ(webhooks_.fed[0].at, to(10 + FeedWebhooks::unstored_max));
  FollowedTo quiet = to(11);
  quiet.next += 20'000;
  take(2, quiet);
  EXPECT_EQ(webhooks_.adds, 2) << "nor is a long silence read again";
}

TEST_F(FeedWebhooksTest, OneThatWantsMoreIsToldNothingOfBefore) {
  places();
  take(1, to(20));
  webhooks_.fed[0].events = {"order.paid"};
  EXPECT_EQ(places().front(), to(20));
  EXPECT_EQ(webhooks_.fed[0].at, to(20)) << "whoever starts now begins there";
  places();
  EXPECT_EQ(webhooks_.adds, 1);
}

TEST_F(FeedWebhooksTest, WhatAnotherInstanceStoredIsWhereItGoesOn) {
  places();
  take(1, to(20));
  webhooks_.fed[0].at = to(15);
  EXPECT_EQ(places().front(), to(15));
  take(2, to(30));
  feed_.rest();
  EXPECT_EQ(places(), (std::vector{to(15), to(10)}));
}

}  // namespace
}  // namespace market::order
