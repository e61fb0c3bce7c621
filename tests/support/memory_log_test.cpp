#include "tests/support/memory_log.hpp"

#include <gtest/gtest.h>

#include "tests/support/numbered_records.hpp"

namespace market {
namespace {

using Failure = MemoryLog::Failure;
using tests::numbered_record;

TEST(MemoryLog, AnUnknownOutcomeIsEitherAndNeedsALook) {
  MemoryLog log;
  log.fail_next(Failure::unknown_lost);
  EXPECT_EQ(log.append(numbered_record(1)).error().code, Code::unavailable);
  EXPECT_EQ(log.append(numbered_record(1)).error().code, Code::unavailable);
  EXPECT_EQ(*log.end(), 1);
  log.fail_next(Failure::unknown_stored);
  EXPECT_EQ(log.append(numbered_record(1)).error().code, Code::unavailable);
  log.fail_next(Failure::read_fails);
  EXPECT_EQ(log.end().error().code, Code::unavailable);
  EXPECT_EQ(*log.end(), 2);
  EXPECT_EQ(*log.append(numbered_record(2)), 2);
}

TEST(MemoryLog, FullDiskWritesNothingAndGoesOn) {
  MemoryLog log;
  log.fail_next(Failure::disk_full);
  EXPECT_EQ(log.append(numbered_record(1)).error().code, Code::insufficient_storage);
  EXPECT_EQ(*log.append(numbered_record(1)), 1);
}

TEST(MemoryLog, AnotherWritersRecordIsAConflict) {
  MemoryLog log;
  log.let_others_append(numbered_record(1));
  log.fail_next(Failure::taken);
  EXPECT_EQ(log.append("mine").error().code, Code::conflict);
  EXPECT_EQ(tests::offsets_from(log, 1), std::vector<Offset>{1});
  EXPECT_EQ(*log.append(numbered_record(2)), 2);
}

}  // namespace
}  // namespace market
