#include "sale/begin_term.hpp"

#include <gtest/gtest.h>

#include "tests/support/shared_memory_log.hpp"
#include "tests/support/test_writer.hpp"

namespace market::sale {
namespace {

using namespace tests;

class BeginTerm : public testing::Test {
 protected:
  Result<> begin(wire::Term term, LogId id = test_log) {
    return begin_term(door, sequencer, term, id, at(0), "here");
  }
  static SequencerSettings settings() {
    SequencerSettings settings;
    settings.foreign_bytes_ignored = true;
    return settings;
  }
  SharedMemory memory;
  Door door{memory};
  KeyFilter keys;
  Sequencer sequencer{settings(), keys};
};

TEST_F(BeginTerm, WritesWhenItsOpenIsTheNextRecord) {
  ASSERT_TRUE(begin(7));
  EXPECT_TRUE(sequencer.writes(7));
  EXPECT_EQ(sequencer.writer_address(), "here");
}

TEST_F(BeginTerm, DoesNotWriteBehindARecordThatItHasNotFollowed) {
  door.before_append([&] { memory.append("another's"); });
  const auto begun = begin(7);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::conflict);
  EXPECT_FALSE(sequencer.writes(7));
}

TEST_F(BeginTerm, DoesNotWriteInATermThatDoesNotCount) {
  const auto begun = begin(7, LogId{});  // An Open that names no log begins nothing.
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::conflict);
  EXPECT_FALSE(sequencer.writes(7));
}

TEST_F(BeginTerm, SaysWhatTheLogSays) {
  door.shut();
  EXPECT_EQ(begin(7).error().code, Code::unavailable);
  EXPECT_FALSE(sequencer.writes(7));
}

}  // namespace
}  // namespace market::sale
