#include "sale/order_overlay.hpp"

#include <gtest/gtest.h>

namespace market::sale {
namespace {

constexpr UserId buyer{7};

ChangedOrder change(std::int64_t id, Place at) {
  auto order = std::make_shared<Order>();
  order->id = OrderId{id};
  order->user = buyer;
  return ChangedOrder{std::move(order), at};
}

std::vector<std::int64_t> ids(const OrderOverlay& overlay) {
  std::vector<std::int64_t> found;
  for (const ChangedOrder& each : overlay.of_user(buyer)) found.push_back(each.order->id.value);
  return found;
}

TEST(OrderOverlay, KeepsTheNewestValueOfEachOrder) {
  OrderOverlay overlay;
  // Ids are given before the gate's queue: they come nearly, not quite, in order.
  overlay.publish(std::vector{change(30, 1), change(10, 2), change(20, 3)});
  const ChangedOrder newer = change(10, 4);
  overlay.publish(std::vector{newer});
  EXPECT_EQ(ids(overlay), (std::vector<std::int64_t>{10, 20, 30}));
  EXPECT_EQ(overlay.find(buyer, OrderId{10}).order, newer.order);
  EXPECT_FALSE(overlay.find(buyer, OrderId{11}).order);
  EXPECT_FALSE(overlay.find(UserId{8}, OrderId{10}).order);
}

TEST(OrderOverlay, ForgetsOnlyWhatWasNotChangedSince) {
  OrderOverlay overlay;
  const std::vector first{change(1, 1), change(2, 2), change(3, 3), change(4, 4), change(5, 5)};
  overlay.publish(first);
  overlay.publish(std::vector{change(2, 6)});
  overlay.forget(std::span(first).subspan(0, 3));
  EXPECT_EQ(ids(overlay), (std::vector<std::int64_t>{2, 4, 5}));
  EXPECT_FALSE(overlay.find(buyer, OrderId{1}).order);
  EXPECT_EQ(overlay.find(buyer, OrderId{2}).position, 6);
  overlay.publish(std::vector{change(1, 7)});  // Known once more.
  EXPECT_EQ(ids(overlay), (std::vector<std::int64_t>{1, 2, 4, 5}));
  overlay.forget(overlay.of_user(buyer));
  EXPECT_TRUE(ids(overlay).empty());
}

TEST(OrderOverlay, FindsItsWayAmongManyOrdersOfOneBuyer) {
  OrderOverlay overlay;
  std::vector<ChangedOrder> many;
  for (std::int64_t id = 1; id <= 50'000; ++id) many.push_back(change(id, id));
  overlay.publish(many);
  // In the folder's batches, with an order that is changed meanwhile in each.
  constexpr std::size_t batch = 5'000;
  for (std::size_t at = 0; at < many.size(); at += batch) {
    overlay.publish(std::vector{change(static_cast<std::int64_t>(at) + 1, 60'000)});
    overlay.forget(std::span(many).subspan(at, batch));
    EXPECT_EQ(ids(overlay).size(), many.size() - (at + batch) + at / batch + 1);
  }
}

}  // namespace
}  // namespace market::sale
