#include "tests/support/memory_event_log.hpp"

#include <gtest/gtest.h>

#include "tests/support/numbered_events.hpp"

namespace market {
namespace {

using Failure = MemoryEventLog::Failure;
using tests::numbered_group;

TEST(MemoryEventLog, UnknownOutcomeIsEitherAndNeedsAReopen) {
  MemoryEventLog log;
  log.fail_next(Failure::unknown_lost);
  EXPECT_EQ(log.append(numbered_group(0, 2)).error().code, Code::unavailable);
  EXPECT_EQ(log.append(numbered_group(0, 2)).error().code, Code::unavailable);
  EXPECT_EQ(*log.reopen(), 0);
  log.fail_next(Failure::unknown_stored);
  EXPECT_EQ(log.append(numbered_group(0, 2)).error().code, Code::unavailable);
  log.fail_next(Failure::reopen_fails);
  EXPECT_EQ(log.reopen().error().code, Code::unavailable);
  EXPECT_EQ(*log.reopen(), 2);
}

TEST(MemoryEventLog, FullDiskWritesNothingAndGoesOn) {
  MemoryEventLog log;
  log.fail_next(Failure::disk_full);
  EXPECT_EQ(log.append(numbered_group(0, 2)).error().code, Code::insufficient_storage);
  EXPECT_EQ(*log.append(numbered_group(0, 2)), 2);
}

}  // namespace
}  // namespace market
