#include "sale/projector.hpp"

#include <gtest/gtest.h>

#include "tests/support/said_lines.hpp"
#include "tests/support/test_records.hpp"
#include "tests/support/wait.hpp"

namespace market::sale {
namespace {

/// With 0 events that make a rush, it is always one.
const Projector::Settings endless_rush{.batch_events_max = 20,
                                       .linger = Millis(1),
                                       .rush_events = 0,
                                       .rush_events_max = 50,
                                       .rush_wait_max = Millis(3'600'000),
                                       .retry_after = Millis(5)};

class ProjectorTest : public testing::Test {
 protected:
  void push(Projector& projector, int orders) {
    auto events = std::make_shared<std::vector<CountedEvent>>();
    for (int i = 0; i < orders; ++i) {
      OrderAccepted accepted;
      accepted.order = OrderId{++pushed};
      accepted.user = UserId{1};
      events->push_back(CountedEvent{pushed, Event{Instant{}, {}, 0, {}, accepted}});
    }
    push(projector, std::move(events));
  }
  void push(Projector& projector, CountedEvents events) {
    last = events;
    overlay.publish(events);
    projector.push(std::move(events));
  }
  static Place wait_until(const Projector& projector, Place wanted) {
    tests::wait([&] { return projector.place() >= wanted; });
    return projector.place();
  }
  std::size_t newer() const { return overlay.of_user(UserId{1}).size(); }
  tests::TestRecords records;
  ReadOverlay overlay;
  Place pushed = 0;
  CountedEvents last;
};

TEST_F(ProjectorTest, WritesSoonWhenThereIsNoRush) {
  auto settings = endless_rush;
  settings.rush_events = 1'000;
  Projector projector(records, overlay, 0, settings);
  push(projector, 30);
  EXPECT_EQ(wait_until(projector, 30), 30);
  EXPECT_EQ(*records.place(), 30);
  projector.stop();
  EXPECT_EQ(newer(), 0u);
}

TEST_F(ProjectorTest, ForgetsWhatOthersHaveFolded) {
  auto settings = endless_rush;
  settings.rush_events = 1'000;
  settings.others_fold = true;
  ReadOverlay of_the_other;
  Projector projector(records, overlay, 0, settings), other(records, of_the_other, 0, endless_rush);
  push(projector, 10);
  EXPECT_TRUE(tests::stays_away([&] { return projector.place() != 0; })) << "nobody has folded";
  EXPECT_EQ(*records.place(), 0) << "and it does not do so itself";
  EXPECT_EQ(newer(), 10u);
  other.push(last);
  other.stop();
  EXPECT_EQ(wait_until(projector, 10), 10);
  projector.stop();
  EXPECT_EQ(newer(), 0u);
}

/// A power loss, or another server: nothing is folded over the hole, by whoever folds.
TEST_F(ProjectorTest, FoldsNothingBehindAHole) {
  for (const bool others_fold : {false, true}) {
    tests::TestRecords lost;
    auto settings = endless_rush;
    settings.rush_events = 1'000;
    settings.others_fold = others_fold;
    std::atomic<int> told{0};
    settings.start_anew = [&](const std::string& why) {
      EXPECT_EQ(why.find("the records have gone back to place 4, from 10 at least"), 0u) << why;
      ++told;
    };
    Projector folding(lost, overlay, 0, settings);
    pushed = 0;
    push(folding, 10);
    if (others_fold) {
      ASSERT_EQ(*lost.fold(0, std::vector{last}), 10);
    }
    ASSERT_EQ(wait_until(folding, 10), 10);
    lost.go_back(4);
    push(folding, 5);
    EXPECT_TRUE(tests::wait([&] { return told == 1; }));
    folding.stop();
    EXPECT_EQ(*lost.place(), 4);
    EXPECT_EQ(folding.place(), 10);
  }
}

/// What it still has, it folds again.
TEST_F(ProjectorTest, FoldsAgainWhatItHasNotHandedOver) {
  auto settings = endless_rush;
  settings.rush_events = 1'000;
  settings.start_anew = [](const std::string& why) { ADD_FAILURE() << why; };
  records.fail_next = 1'000'000;
  Projector projector(records, overlay, 0, settings);
  push(projector, 10);
  records.go_back(0);
  records.fail_next = 0;
  EXPECT_EQ(wait_until(projector, 10), 10);
}

TEST_F(ProjectorTest, StopsWhileItWaitsForOthers) {
  auto settings = endless_rush;
  settings.others_fold = true;
  Projector projector(records, overlay, 0, settings);
  push(projector, 60);
  projector.stop();
  EXPECT_EQ(*records.place(), 0);
}

TEST_F(ProjectorTest, WaitsInARushUntilTooManyWait) {
  Projector projector(records, overlay, 0, endless_rush);
  for (int i = 0; i < 7; ++i) push(projector, 7);
  EXPECT_TRUE(tests::stays_away([&] { return projector.place() != 0; }));
  EXPECT_EQ(newer(), 49u) << "readers see them all the same";
  push(projector, 1);
  EXPECT_GE(wait_until(projector, 42), 42) << "batch after batch, without another wait";
}

TEST_F(ProjectorTest, WaitsInARushNoLongerThanItsBound) {
  auto settings = endless_rush;
  settings.rush_wait_max = Millis(20);
  Projector projector(records, overlay, 0, settings);
  push(projector, 5);
  EXPECT_EQ(wait_until(projector, 5), 5);
}

TEST_F(ProjectorTest, AProductWaitsForNoRush) {
  Projector projector(records, overlay, 0, endless_rush);
  push(projector, 5);
  auto events = std::make_shared<std::vector<CountedEvent>>();
  events->push_back(
      CountedEvent{++pushed, Event{Instant{}, {}, 0, {}, ProductListed{ProductId{3}, {}, {}, 1}}});
  push(projector, std::move(events));
  EXPECT_EQ(wait_until(projector, 6), 6);
  EXPECT_EQ((*records.products()).size(), 1u);
}

TEST_F(ProjectorTest, TriesAgainWhatCouldNotBeWritten) {
  auto settings = endless_rush;
  settings.rush_events = 1'000;
  records.fail_next = 3;
  const tests::SaidLines said;
  Projector projector(records, overlay, 0, settings);
  push(projector, 5);
  EXPECT_EQ(wait_until(projector, 5), 5);
  EXPECT_EQ(records.fail_next, 0);
  projector.stop();
  EXPECT_EQ(said.with("the records cannot be written, trying again"), 1) << "not at each try";
}

TEST_F(ProjectorTest, WritesNothingBehindWhatCouldNotBeWritten) {
  Projector projector(records, overlay, 0, endless_rush);
  push(projector, 20);
  push(projector, 20);
  records.fail_next = 1;
  projector.stop();
  EXPECT_EQ(*records.place(), 0);
  EXPECT_EQ(projector.place(), 0);
  EXPECT_EQ(newer(), 40u);
}

TEST_F(ProjectorTest, GoesOnFromWhereSomebodyElseHasFolded) {
  auto others = std::make_shared<std::vector<CountedEvent>>();
  for (Place place = 1; place <= 3; ++place) {
    OrderAccepted accepted;
    accepted.order = OrderId{place};
    accepted.user = UserId{1};
    others->push_back(CountedEvent{place, Event{Instant{}, {}, 0, {}, accepted}});
  }
  const std::vector<CountedEvents> folded{others};
  ASSERT_EQ(*records.fold(0, folded), 3);
  auto settings = endless_rush;
  settings.rush_events = 1'000;
  Projector projector(records, overlay, 0, settings);
  push(projector, 5);
  EXPECT_EQ(wait_until(projector, 5), 5);
  EXPECT_EQ(*records.place(), 5);
}

TEST_F(ProjectorTest, WritesEverythingWhenItStops) {
  Projector projector(records, overlay, 0, endless_rush);
  push(projector, 45);
  projector.stop();
  EXPECT_EQ(projector.place(), 45);
  EXPECT_EQ(newer(), 0u);
}

}  // namespace
}  // namespace market::sale
