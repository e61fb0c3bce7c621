#include "services/order/order_watch.hpp"

#include <gtest/gtest.h>

namespace market::order {
namespace {

CountedEvents expiry_of(OrderId order) {
  OrderVoided voided;
  voided.order = order;
  CountedEvent counted;
  counted.event.fact = voided;
  return std::make_shared<const std::vector<CountedEvent>>(1, counted);
}

TEST(OrderWatch, CountsChangesWhileSomebodyWatches) {
  OrderWatch watch;
  const OrderId mine{77}, other{78};
  watch.follow(expiry_of(mine));
  EXPECT_EQ(watch.changes_of(mine), 0u) << "nobody is there";
  {
    const OrderWatch::Watcher first(watch), second(watch);
    watch.follow(expiry_of(mine));
    EXPECT_EQ(watch.changes_of(mine), 1u);
    EXPECT_EQ(watch.changes_of(other), 0u);
  }
  watch.follow(expiry_of(mine));
  EXPECT_EQ(watch.changes_of(mine), 1u) << "they have left";
}

}  // namespace
}  // namespace market::order
