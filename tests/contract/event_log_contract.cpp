/// What every EventLog promises (ports/event_log.hpp), run for each adapter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "adapters/sqlite/event_log.hpp"
#include "tests/support/memory_event_log.hpp"
#include "tests/support/numbered_events.hpp"
#include "tests/support/temp_folder.hpp"

namespace market {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tests::numbered_group;
using tests::positions_behind;

/// One log and what it stands on.
struct Subject {
  std::unique_ptr<tests::TempFolder> folder;
  std::unique_ptr<EventLog> log;
};

Subject in_memory() {
  return {nullptr, std::make_unique<MemoryEventLog>()};
}

Subject in_sqlite() {
  Subject subject{std::make_unique<tests::TempFolder>(), nullptr};
  sqlite::EventLogSettings settings;
  settings.path = *subject.folder / "log.db";
  subject.log = std::make_unique<sqlite::SqliteEventLog>(std::move(settings));
  return subject;
}

class EventLogContract : public testing::TestWithParam<Subject (*)()> {
 protected:
  Subject subject_ = GetParam()();
  EventLog& log_ = *subject_.log;
};

TEST_P(EventLogContract, StartsEmpty) {
  EXPECT_EQ(*log_.end(), 0);
  EXPECT_EQ(*log_.begin(), 0);
  EXPECT_THAT(positions_behind(log_, 0), IsEmpty());
}

TEST_P(EventLogContract, AppendsGroupsAndReadsFromAnyPosition) {
  EXPECT_EQ(*log_.append(numbered_group(0, 3)), 3);
  EXPECT_EQ(*log_.append(numbered_group(3, 1)), 4);
  EXPECT_EQ(*log_.append(numbered_group(4, 2)), 6);
  EXPECT_EQ(*log_.end(), 6);
  EXPECT_THAT(positions_behind(log_, 0), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(positions_behind(log_, 2), ElementsAre(3, 4, 5, 6));  // In the middle of a group.
  EXPECT_THAT(positions_behind(log_, 4), ElementsAre(5, 6));
  EXPECT_THAT(positions_behind(log_, 6), IsEmpty());
  EXPECT_THAT(positions_behind(log_, 99), IsEmpty());
}

TEST_P(EventLogContract, ReadingStopsWhenAsked) {
  ASSERT_TRUE(log_.append(numbered_group(0, 5)));
  std::vector<Position> seen;
  EXPECT_TRUE(log_.read(0, [&](Position position, const Event&) {
    seen.push_back(position);
    return position < 2;
  }));
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_P(EventLogContract, ReadsManyGroupsInOrder) {
  Position end = 0;
  for (int group = 0; group < 1100; ++group) end = *log_.append(numbered_group(end, 1 + group % 3));
  const auto found = positions_behind(log_, 0);
  ASSERT_EQ(found.size(), static_cast<std::size_t>(end));
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], static_cast<Position>(i) + 1);
}

TEST_P(EventLogContract, TrimForgetsWholeGroupsAndKeepsTheNewest) {
  Position end = 0;
  for (int group = 0; group < 4; ++group) end = *log_.append(numbered_group(end, 3));
  EXPECT_TRUE(log_.trim(7));  // Within the third group, which stays whole.
  EXPECT_EQ(*log_.begin(), 6);
  EXPECT_THAT(positions_behind(log_, 0), ElementsAre(7, 8, 9, 10, 11, 12));
  EXPECT_TRUE(log_.trim(1'000'000));
  EXPECT_EQ(*log_.begin(), 9);
  EXPECT_EQ(*log_.end(), 12);
  EXPECT_EQ(*log_.append(numbered_group(12, 1)), 13);
  EXPECT_EQ(*log_.reopen(), 13);
  EXPECT_THAT(positions_behind(log_, 0), ElementsAre(10, 11, 12, 13));
}

TEST_P(EventLogContract, ReopenKeepsEverythingAndGoesOn) {
  ASSERT_TRUE(log_.append(numbered_group(0, 2)));
  EXPECT_EQ(*log_.reopen(), 2);
  EXPECT_EQ(*log_.append(numbered_group(2, 2)), 4);
  EXPECT_THAT(positions_behind(log_, 0), ElementsAre(1, 2, 3, 4));
}

TEST_P(EventLogContract, ReadsWhileAppending) {
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, rounds{0};
  std::thread reader([&] {
    while (!done.load() || rounds.load() == 0) {
      const auto before = log_.end();
      const auto found = positions_behind(log_, 0);
      if (!before || found.size() < static_cast<std::size_t>(*before)) ++wrong;
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i] != static_cast<Position>(i) + 1) ++wrong;
      }
      ++rounds;
    }
  });
  Position end = 0;
  for (int group = 0; group < 300; ++group) {
    const auto at = log_.append(numbered_group(end, 4));
    if (!at) break;
    end = *at;
  }
  done = true;
  reader.join();
  EXPECT_EQ(end, 1200);
  EXPECT_EQ(wrong.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(Adapters, EventLogContract, testing::Values(&in_memory, &in_sqlite),
                         [](const auto& info) { return info.index == 0 ? "memory" : "sqlite"; });

}  // namespace
}  // namespace market
