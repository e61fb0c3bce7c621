#include "sale/read_overlay.hpp"

#include <gtest/gtest.h>

namespace market::sale {
namespace {

constexpr UserId buyer{7}, other{8};

/// A group of facts about these orders of `user`, from place `first` on.
CountedEvents group(Place first, std::vector<std::int64_t> orders, UserId user = buyer) {
  auto events = std::make_shared<std::vector<CountedEvent>>();
  for (const std::int64_t id : orders)
    events->push_back(
        CountedEvent{first++, Event{Instant{}, {}, 0, {}, PaymentStarted{OrderId{id}, user, AttemptId{1}}}});
  return events;
}

std::vector<Place> places(const std::vector<NewerFact>& facts) {
  std::vector<Place> found;
  for (const NewerFact& fact : facts) found.push_back(fact.event->place);
  return found;
}
using Places = std::vector<Place>;

TEST(ReadOverlay, GivesTheFactsOfAnOrderInTheOrderOfTheirPlaces) {
  ReadOverlay overlay;
  overlay.publish(group(1, {30, 10, 20}));
  overlay.publish(group(4, {10}));
  overlay.publish(group(5, {10}, other));
  EXPECT_EQ(places(overlay.of_user(buyer)), (Places{1, 2, 3, 4}));
  EXPECT_EQ(places(overlay.of_order(buyer, OrderId{10})), (Places{2, 4}));
  EXPECT_EQ(overlay.of_order(buyer, OrderId{10})[0].order, OrderId{10});
  EXPECT_TRUE(overlay.of_order(buyer, OrderId{11}).empty());
  EXPECT_EQ(places(overlay.of_user(other)), (Places{5}));
}

TEST(ReadOverlay, ForgetsWhatTheRecordsHaveAndNothingBehindIt) {
  ReadOverlay overlay;
  const auto first = group(1, {1, 2, 3}), second = group(4, {2}), third = group(5, {1});
  for (const auto& events : {first, second, third}) overlay.publish(events);
  overlay.forget(first);
  EXPECT_EQ(places(overlay.of_user(buyer)), (Places{4, 5}));
  EXPECT_TRUE(overlay.of_order(buyer, OrderId{3}).empty());
  EXPECT_EQ(places(overlay.of_order(buyer, OrderId{2})), (Places{4}));
  overlay.forget(first);
  EXPECT_EQ(places(overlay.of_user(buyer)), (Places{4, 5})) << "twice is once";
  overlay.forget(second);
  overlay.forget(third);
  EXPECT_TRUE(overlay.of_user(buyer).empty());
}

TEST(ReadOverlay, KeepsOnlyFactsAboutOrders) {
  ReadOverlay overlay;
  auto events = std::make_shared<std::vector<CountedEvent>>();
  events->push_back(CountedEvent{1, Event{Instant{}, {}, 0, {}, ProductListed{ProductId{3}, {}, {}, 1}}});
  events->push_back(CountedEvent{2, Event{Instant{}, {}, 0, {}, Barrier{}}});
  overlay.publish(events);
  EXPECT_TRUE(overlay.of_user(UserId{}).empty());
  overlay.forget(events);
  overlay.forget(std::make_shared<const std::vector<CountedEvent>>());
}

TEST(ReadOverlay, AFactKeepsItsGroupAlive) {
  ReadOverlay overlay;
  overlay.publish(group(1, {1}));
  const auto facts = overlay.of_order(buyer, OrderId{1});
  overlay.forget(group(1, {1}));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(order_of(facts[0].event->event.fact), OrderId{1});
}

TEST(ReadOverlay, FindsItsWayAmongManyOrdersOfOneBuyer) {
  ReadOverlay overlay;
  std::vector<CountedEvents> groups;
  constexpr Place each = 500, count = 100;
  for (Place at = 0; at < count; ++at) {
    std::vector<std::int64_t> orders;
    for (Place i = 1; i <= each; ++i) orders.push_back(at * each + i);
    groups.push_back(group(at * each + 1, orders));
    overlay.publish(groups.back());
  }
  for (Place at = 0; at < count; ++at) {
    overlay.forget(groups[static_cast<std::size_t>(at)]);
    EXPECT_EQ(overlay.of_user(buyer).size(), static_cast<std::size_t>((count - at - 1) * each));
  }
}

}  // namespace
}  // namespace market::sale
