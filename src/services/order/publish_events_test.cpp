#include "services/order/publish_events.hpp"

#include <gtest/gtest.h>

#include "tests/support/fixed_board.hpp"
#include "tests/support/run_task.hpp"

namespace market::order {
namespace {

using tests::run;

struct Topic final : EventTopic {
  Task<> publish(std::vector<TopicMessage> messages) override {
    for (auto& message : messages) {
      if (room == 0) co_return fail(Code::unavailable, "the topic is away");
      --room;
      places.push_back(message.place);
      bodies.push_back(message.body);
    }
    co_return Result<>();
  }
  Task<bool> is_new() override { co_return places.empty(); }
  std::size_t room = 1'000;
  std::vector<Place> places;
  std::vector<std::string> bodies;
};

struct Places final : FollowerPlaces {
  Task<std::optional<FollowedTo>> find(std::string) override { co_return kept; }
  Task<> keep(std::string, FollowedTo at) override {
    if (away) co_return fail(Code::unavailable, "the database is away");
    kept = at;
    co_return Result<>();
  }
  std::optional<FollowedTo> kept;
  bool away = false;
};

class PublishEventsTest : public testing::Test {
 protected:
  static std::vector<CountedEvent> events(Place from, Place to) {
    std::vector<CountedEvent> all;
    for (Place place = from; place <= to; ++place) {
      Event event;
      event.fact = place % 2 == 0 ? Fact(Barrier{}) : Fact(PaymentDeclined{OrderId{place}, {}, {}});
      all.push_back({place, event});
    }
    return all;
  }
  static FollowedTo to(Place place) {
    FollowedTo at;
    at.done = at.last = place;
    at.next = place + 1;
    return at;
  }
  Result<> take(Place from, Place last) {
    run(publisher.followers());
    return run(publisher.take(0, events(from, last), to(last)));
  }

  /// As a tail does it: all that lies behind the place, until nothing does.
  void follow(const std::vector<CountedEvent>& log) {
    for (int steps = 0; steps < 4; ++steps) {
      const auto at = run(publisher.followers())->front().at.value_or(FollowedTo());
      std::vector<CountedEvent> behind;
      for (const CountedEvent& counted : log)
        if (counted.place > at.done) behind.push_back(counted);
      if (behind.empty()) return;
      ++parts;
      run(publisher.take(0, behind, to(log.back().place)));
    }
    ADD_FAILURE() << "it never comes to an end";
  }
  static Instant at(Place place) { return start + std::chrono::seconds(place); }
  static CountedEvent event(Place place, Fact fact) {
    CountedEvent counted{place, {}};
    counted.event.at = at(place);
    counted.event.fact = std::move(fact);
    return counted;
  }
  /// Listed at 1; its stock moves at 3 and 5, its terms at 4. Published to 2.
  std::vector<CountedEvent> changed_behind_its_stock(std::optional<Instant> before,
                                                     std::optional<Instant> after) {
    ProductListed listed;
    listed.product = hat;
    listed.terms.publish_at = before;
    ProductChanged changed;
    changed.product = hat;
    changed.version = 2;
    changed.terms.publish_at = after;
    topic.places.push_back(2);
    places.kept = to(2);
    board.now = at(4);
    board.list(hat, changed.terms);
    return {event(1, listed), event(2, PaymentDeclined{OrderId{2}, {}, {}}),
            event(3, StockAdjusted{hat, 1, {}}), event(4, changed), event(5, StockAdjusted{hat, 1, {}})};
  }

  static constexpr ProductId hat{7};
  static constexpr Instant start{std::chrono::seconds(1'790'000'000)}, never{std::chrono::hours(900'000)};
  int parts = 0;
  Topic topic;
  Places places;
  tests::FixedBoard board;
  PublishEvents publisher{topic, places, board};
};

TEST_F(PublishEventsTest, ATopicThatIsNewGetsAllOfThemAgain) {
  ASSERT_TRUE(take(1, 5));
  publisher.rest();  // And goes on elsewhere, where the place is known and the topic is another one.
  EXPECT_EQ(run(publisher.followers())->front().at, to(5));
  publisher.rest();
  topic.places.clear();
  EXPECT_FALSE(run(publisher.followers())->front().at);
  ASSERT_TRUE(take(1, 5));
  EXPECT_EQ(topic.places, (std::vector<Place>{1, 3, 5}));
}

TEST_F(PublishEventsTest, SendsWhatIsPublicAndKeepsItsPlace) {
  EXPECT_FALSE(run(publisher.followers())->front().at) << "from the log's start";
  ASSERT_TRUE(take(1, 5));
  EXPECT_EQ(topic.places, (std::vector<Place>{1, 3, 5}));
  EXPECT_NE(topic.bodies[0].find("\"previous\":null"), std::string::npos);
  EXPECT_NE(topic.bodies[1].find("\"previous\":1"), std::string::npos);
  EXPECT_EQ(places.kept, to(5));
  EXPECT_EQ(publisher.published(), 3u);
}

TEST_F(PublishEventsTest, SendsAllAgainWhenSomeDidNotArriveOrThePlaceWasNotKept) {
  topic.room = 1;
  EXPECT_FALSE(take(1, 3));
  EXPECT_FALSE(places.kept);
  topic.room = 1'000;
  places.away = true;
  EXPECT_FALSE(take(1, 3));
  places.away = false;
  ASSERT_TRUE(take(1, 3));
  EXPECT_EQ(topic.places, (std::vector<Place>{1, 1, 3, 1, 3}));
  EXPECT_EQ(publisher.published(), 2u);
}

TEST_F(PublishEventsTest, WhatWasHiddenStaysSoThoughItIsPublicToday) {
  follow(changed_behind_its_stock(never, std::nullopt));
  EXPECT_EQ(topic.places, (std::vector<Place>{2, 4, 5}));
  EXPECT_EQ(places.kept, to(5));
}

TEST_F(PublishEventsTest, WhatWasPublicIsToldThoughItIsHiddenToday) {
  follow(changed_behind_its_stock(std::nullopt, never));
  EXPECT_EQ(topic.places, (std::vector<Place>{2, 3}));
  EXPECT_EQ(places.kept, to(5));
}

TEST_F(PublishEventsTest, JudgesAgainByTheSameTermsWhenTheTopicWasAway) {
  auto log = changed_behind_its_stock(never, std::nullopt);
  board.now = at(1);
  board.list(hat, std::get<ProductListed>(log[0].event.fact).terms);  // The board comes a moment later.
  run(publisher.followers());
  topic.room = 1;
  EXPECT_FALSE(run(publisher.take(0, {log.begin() + 2, log.end()}, to(5))));
  topic.room = 1'000;
  follow(log);
  EXPECT_EQ(topic.places, (std::vector<Place>{2, 4, 4, 5}));
}

TEST_F(PublishEventsTest, TermsThatHaveNotChangedSinceNeedNoLookBack) {
  auto log = changed_behind_its_stock(never, std::nullopt);
  log.erase(log.begin() + 3);
  board.now = at(1);
  board.list(hat, std::get<ProductListed>(log[0].event.fact).terms);
  follow(log);
  EXPECT_EQ(topic.places, (std::vector<Place>{2}));
  EXPECT_EQ(parts, 1);
}

TEST_F(PublishEventsTest, OfAnotherWritersTimeItRemembersNothing) {
  auto log = changed_behind_its_stock(std::nullopt, never);
  topic.places.clear();
  places.kept.reset();
  follow({log.begin(), log.begin() + 3});
  publisher.rest();  // The other publishes the change, and the place behind it.
  places.kept = to(4);
  follow(log);
  EXPECT_EQ(topic.places, (std::vector<Place>{1, 2, 3}));
}

TEST_F(PublishEventsTest, GoesOnWhereTheOtherInstanceWasAfterARest) {
  ASSERT_TRUE(take(1, 5));
  places.kept = to(40);
  EXPECT_EQ(run(publisher.followers())->front().at, to(5));
  publisher.rest();
  EXPECT_EQ(run(publisher.followers())->front().at, to(40));
}

TEST_F(PublishEventsTest, WritesNoPlaceForEachBarrier) {
  ASSERT_TRUE(take(1, 1));
  ASSERT_TRUE(take(2, 2));
  EXPECT_EQ(places.kept, to(1));
  EXPECT_EQ(run(publisher.followers())->front().at, to(2)) << "but it is not read again";
  run(publisher.take(0, {}, to(1 + PublishEvents::unstored_max)));
  EXPECT_EQ(places.kept, to(1 + PublishEvents::unstored_max));
}

}  // namespace
}  // namespace market::order
