#include "sale/snapshot_writer.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "sale/read_overlay.hpp"
#include "tests/support/test_records.hpp"
#include "tests/support/test_sale.hpp"
#include "tests/support/wait.hpp"

namespace market::sale {
namespace {

using tests::wait;

/// Fails where it is told to; any thread.
struct Store final : SnapshotStore {
  Result<std::optional<SnapshotBytes>> load() override { return std::nullopt; }
  Result<> begin() override {
    open.clear();
    return answer("begin");
  }
  Result<> append(std::string_view piece) override {
    auto said = answer("append");
    if (said) open += piece;
    return said;
  }
  Result<> commit() override {
    auto said = answer("commit");
    const std::scoped_lock lock(mutex);
    if (said) kept = open;
    return said;
  }
  Result<> answer(const std::string& call) {
    const std::scoped_lock lock(mutex);
    ++calls;
    if (call != failing) return {};
    failing.clear();
    return fail(Code::insufficient_storage, "the disk is full");
  }
  std::mutex mutex;
  std::string failing, open, kept;
  std::atomic<int> calls{0};
};

class SnapshotWriterTest : public testing::Test {
 protected:
  bool begin(Place place) {
    return wait([&] { return writer.begin(place); });
  }
  std::string kept() {
    const std::scoped_lock lock(store.mutex);
    return store.kept.substr(0, store.kept.size() - keys.encode().size());
  }
  void records_come_to(Place place) {
    for (Place next = projector.place() + 1; next <= place; ++next) {
      auto events = std::make_shared<std::vector<CountedEvent>>();
      events->push_back(CountedEvent{next, Event{tests::at(0), {}, 0, {}, Barrier{}}});
      projector.push(events);
    }
  }

  Store store;
  KeyFilter keys;
  tests::TestRecords records;
  ReadOverlay overlay;
  Projector projector{records, overlay, 0, Projector::Settings{.linger = Millis(1)}};
  SnapshotWriter writer{store, keys, projector};
};

TEST_F(SnapshotWriterTest, BringsPiecesAndTheKeysToTheStore) {
  ASSERT_TRUE(writer.begin(0));
  EXPECT_FALSE(writer.begin(0)) << "one at a time";
  writer.add("one ");
  writer.add("");
  writer.add("two");
  writer.finish();
  ASSERT_TRUE(wait([&] { return writer.made() == 1; }));
  EXPECT_EQ(kept(), "one two");
  EXPECT_TRUE(writer.has_room());
}

TEST_F(SnapshotWriterTest, IsTheNewestOnlyWhenTheRecordsHaveComeAsFar) {
  ASSERT_TRUE(writer.begin(3));
  writer.add("state");
  writer.finish();
  EXPECT_TRUE(tests::stays_away([&] { return writer.made() != 0; }));
  records_come_to(2);
  EXPECT_TRUE(tests::stays_away([&] { return writer.made() != 0; }));
  records_come_to(3);
  EXPECT_TRUE(wait([&] { return writer.made() == 1; }));
}

TEST_F(SnapshotWriterTest, WaitsForNobodyWhenItIsStopped) {
  ASSERT_TRUE(writer.begin(1'000'000));
  writer.add("state");
  writer.finish();
  std::this_thread::sleep_for(Millis(20));
  const auto began = std::chrono::steady_clock::now();
  writer.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  EXPECT_EQ(writer.made(), 0u);
}

TEST_F(SnapshotWriterTest, WhatWasAbandonedIsNeverKept) {
  writer.abandon();  // Of nothing.
  ASSERT_TRUE(begin(0));
  writer.add("old");
  writer.abandon();
  ASSERT_TRUE(begin(0)) << "there is room for the next one";
  writer.add("new");
  writer.finish();
  ASSERT_TRUE(wait([&] { return writer.made() == 1; }));
  EXPECT_EQ(kept(), "new");
  ASSERT_TRUE(begin(1'000'000));
  writer.add("ahead");
  writer.finish();
  writer.abandon();
  EXPECT_TRUE(begin(0)) << "also while it waits for the records";
  EXPECT_EQ(kept(), "new");
}

TEST_F(SnapshotWriterTest, AStoreThatFailsCostsThisSnapshotAlone) {
  std::uint64_t made = 0;
  for (const std::string failing : {"begin", "append", "commit"}) {
    ASSERT_TRUE(begin(0)) << failing;
    const int before = store.calls;
    {
      const std::scoped_lock lock(store.mutex);
      store.failing = failing;
    }
    writer.add("lost");
    if (failing != "commit") {
      ASSERT_TRUE(wait([&] { return store.calls > before; }));
    }
    writer.finish();
    ASSERT_TRUE(begin(0)) << "after a failed " << failing;
    EXPECT_EQ(writer.made(), made);
    writer.add("kept");
    writer.finish();
    ASSERT_TRUE(wait([&] { return writer.made() == made + 1; })) << failing;
    EXPECT_EQ(kept(), "kept");
    ++made;
  }
}

}  // namespace
}  // namespace market::sale
