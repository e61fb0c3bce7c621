#include "sale/log_reader.hpp"

#include <gtest/gtest.h>

#include "tests/support/damaged_group.hpp"
#include "tests/support/memory_log.hpp"
#include "tests/support/test_writer.hpp"

namespace market::sale {
namespace {

using namespace tests;

/// A log of an Open and three groups, which a writer has made: a product and two orders.
class LogReader : public testing::Test {
 protected:
  void SetUp() override {
    writer.open(7);
    const ProductId product = writer.list(5);
    writer.buy(alice, product);
    writer.buy(bob, product);
    for (const std::string& record : records) ASSERT_TRUE(log.append(record));
  }
  std::string damaged() const {
    const auto& at = writer.sequencer.end().point;
    return damaged_group(at.term, at.last + 1);
  }
  Result<LogRule::Point> read_all(bool foreign_ignored = false) {
    places.clear();
    return read_counted(
        log,
        [this](const CountedEvents& events) {
          for (const CountedEvent& counted : *events) places.push_back(counted.place);
          return places.size() < at_most;
        },
        foreign_ignored);
  }

  Records records;
  TestWriter writer{records};
  MemoryLog log;
  std::vector<Place> places;
  std::size_t at_most = 100;
};

TEST_F(LogReader, ReadsWhatCountsInOrder) {
  wire::Open late;  // Of a writer that lost the race: nothing of its term counts.
  late.log = test_log;
  late.nonce = 8;
  ASSERT_TRUE(log.append(wire::encode_open(late)));
  wire::GroupWriter group;
  group.begin(8, 4);
  group.add(Event{at(0), {}, 0, {}, Barrier{}});
  ASSERT_TRUE(log.append(group.finish()));
  const auto end = read_all();
  ASSERT_TRUE(end) << end.error().detail;
  EXPECT_EQ(*end, (LogRule::Point{test_log, 7, 3}));
  EXPECT_EQ(places, (std::vector<Place>{1, 2, 3}));
}

TEST_F(LogReader, StopsWhenItIsToldTo) {
  at_most = 2;
  const auto end = read_all();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->last, 2);
  EXPECT_EQ(places, (std::vector<Place>{1, 2}));
}

TEST_F(LogReader, ForeignBytesAreDamageUnlessTheyAreIgnored) {
  ASSERT_TRUE(log.append("somebody else's bytes"));
  const auto strict = read_all();
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code, Code::internal);
  EXPECT_TRUE(strict.error().detail.starts_with("the record at offset 5: ")) << strict.error().detail;
  EXPECT_EQ(places.size(), 3u) << "what lies before it is read";
  const auto lenient = read_all(true);
  ASSERT_TRUE(lenient);
  EXPECT_EQ(lenient->last, 3);
}

TEST_F(LogReader, AGroupThatCountsAndCannotBeReadIsAnErrorWhoeverMayWriteThere) {
  ASSERT_TRUE(log.append(damaged()));
  for (const bool foreign_ignored : {false, true}) {
    const auto end = read_all(foreign_ignored);
    ASSERT_FALSE(end);
    EXPECT_TRUE(end.error().detail.starts_with("the record at offset 5: ")) << end.error().detail;
  }
}

TEST_F(LogReader, ALogThatCannotBeReadIsNoEmptyLog) {
  log.fail_next(MemoryLog::Failure::read_fails);
  const auto end = read_all();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::unavailable);
}

TEST_F(LogReader, FollowsToTheEndAndTellsOfEachGroup) {
  KeyFilter keys;
  Sequencer reader({}, keys);
  int groups = 0;
  ASSERT_TRUE(follow_to_end(log, reader, [&](const CountedEvents&) { ++groups; }));
  EXPECT_EQ(groups, 3);
  EXPECT_EQ(reader.end(), writer.sequencer.end());
  ASSERT_TRUE(follow_to_end(log, reader, {})) << "nothing is new";
  ASSERT_TRUE(log.append(damaged()));
  ASSERT_TRUE(log.append("behind it"));
  const auto followed = follow_to_end(log, reader, {});
  ASSERT_FALSE(followed);
  EXPECT_EQ(followed.error().code, Code::internal);
  EXPECT_TRUE(followed.error().detail.starts_with("the record at offset 5: ")) << followed.error().detail;
  EXPECT_EQ(reader.end(), writer.sequencer.end()) << "nothing behind it is followed";
  log.fail_next(MemoryLog::Failure::read_fails);
  EXPECT_EQ(follow_to_end(log, reader, {}).error().code, Code::unavailable);
}

TEST_F(LogReader, KnowsWhetherTheLogIsStillTheOneThatWasFollowed) {
  KeyFilter keys;
  Sequencer fresh({}, keys);
  EXPECT_TRUE(holds_what_was_followed(log, fresh)) << "of nothing it holds all";
  EXPECT_TRUE(holds_what_was_followed(log, writer.sequencer));
  log.fail_next(MemoryLog::Failure::read_fails);
  EXPECT_EQ(holds_what_was_followed(log, writer.sequencer).error().code, Code::unavailable);
  log.cut(3);
  const auto cut = holds_what_was_followed(log, writer.sequencer);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::internal);
  EXPECT_NE(cut.error().detail.find("offset 4"), std::string::npos) << cut.error().detail;
  ASSERT_TRUE(log.append(records[1]));
  EXPECT_EQ(holds_what_was_followed(log, writer.sequencer).error().code, Code::internal)
      << "as long as it was, and another";
}

}  // namespace
}  // namespace market::sale
