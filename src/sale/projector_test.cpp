#include "sale/record_folder.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_records.hpp"

namespace market::sale {
namespace {

/// With 0 orders that make a rush, it is always one.
constexpr RecordFolder::Settings endless_rush{.batch_orders_max = 20,
                                              .linger = Millis(1),
                                              .rush_orders = 0,
                                              .rush_orders_max = 50,
                                              .rush_wait_max = Millis(3'600'000),
                                              .retry_after = Millis(5)};

class RecordFolderTest : public testing::Test {
 protected:
  void push(RecordFolder& folder, int orders) {
    std::vector<ChangedOrder> changes;
    for (int i = 0; i < orders; ++i) {
      auto order = std::make_shared<Order>();
      order->id = OrderId{++pushed};
      order->user = UserId{1};
      changes.push_back(ChangedOrder{std::move(order), pushed});
    }
    overlay.publish(changes);
    folder.push(std::move(changes), pushed);
  }
  static Place wait_until(const RecordFolder& folder, Place wanted) {
    for (int i = 0; i < 5'000 && folder.position() < wanted; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return folder.position();
  }
  tests::TestRecords records;
  OrderOverlay overlay;
  Place pushed = 0;
};

TEST_F(RecordFolderTest, WritesSoonWhenThereIsNoRush) {
  auto settings = endless_rush;
  settings.rush_orders = 1'000;
  RecordFolder folder(records, overlay, 0, settings);
  push(folder, 30);
  EXPECT_EQ(wait_until(folder, 30), 30);
  EXPECT_EQ(*records.position(), 30);
  EXPECT_TRUE(overlay.of_user(UserId{1}).empty());
}

TEST_F(RecordFolderTest, WaitsInARushUntilTooManyWait) {
  RecordFolder folder(records, overlay, 0, endless_rush);
  push(folder, 49);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(folder.position(), 0);
  EXPECT_EQ(overlay.of_user(UserId{1}).size(), 49u);  // Readers see them all the same.
  push(folder, 1);
  EXPECT_GE(wait_until(folder, 40), 40);  // Batch after batch, without another wait.
}

TEST_F(RecordFolderTest, WaitsInARushNoLongerThanItsBound) {
  auto settings = endless_rush;
  settings.rush_wait_max = Millis(20);
  RecordFolder folder(records, overlay, 0, settings);
  push(folder, 5);
  EXPECT_EQ(wait_until(folder, 5), 5);
}

TEST_F(RecordFolderTest, WritesNothingBehindWhatCouldNotBeWritten) {
  RecordFolder folder(records, overlay, 0, endless_rush);
  push(folder, 20);
  push(folder, 20);
  records.fail_next = 1;
  folder.stop();
  EXPECT_EQ(*records.position(), 0);
  EXPECT_EQ(folder.position(), 0);
}

TEST_F(RecordFolderTest, WritesEverythingWhenItStops) {
  RecordFolder folder(records, overlay, 0, endless_rush);
  push(folder, 45);
  folder.stop();
  EXPECT_EQ(folder.position(), 45);
}

}  // namespace
}  // namespace market::sale
