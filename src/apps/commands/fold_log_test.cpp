#include "apps/commands/fold_log.hpp"

#include <gtest/gtest.h>

#include "tests/support/memory_log.hpp"
#include "tests/support/test_records.hpp"
#include "tests/support/test_writer.hpp"

namespace market::apps {
namespace {

/// Broken off in the middle, they would have lost the generation that readers have seen.
TEST(FoldLog, RecordsOfARestoredStoreAreNamedBeforeTheyAreFoldedAnew) {
  tests::Records written;
  tests::TestWriter writer(written);
  writer.open(7);
  writer.buy(tests::alice, writer.list(5));
  MemoryLog log;
  for (const auto& record : written) EXPECT_TRUE(log.append(record));
  LogId restored = end_of(log, LogOf::one).log;
  restored.generation += 3;

  tests::TestRecords records;
  const Place through = fold_all(log, records, LogOf::one, restored);
  EXPECT_GT(through, 0U);
  EXPECT_FALSE(records.folded_unnamed);
  EXPECT_EQ(records.log(), restored);
}

}  // namespace
}  // namespace market::apps
