#include "apps/commands/store_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "adapters/sqlite/log.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/test_writer.hpp"

namespace market::apps {
namespace {

/// What `market check` says of the holds in a log whose writer gives units back, or has forgotten to.
std::string holds_of(bool gives_back) {
  tests::Records records;
  tests::TestWriter writer(records);
  writer.open(7);
  writer.buy(tests::alice, writer.list(5));
  for (int i = 0; i < 100; ++i) {
    writer.now += Millis(400);
    if (gives_back) writer.sequencer.expire_due(writer.now);
    writer.sequencer.barrier(writer.now);
    writer.commit();
  }
  const tests::TempFolder folder;
  {
    sqlite::SqliteLog log({.path = folder / "log.db"});
    EXPECT_TRUE(log.end());
    for (const auto& record : records) EXPECT_TRUE(log.append(record));
  }
  files::ReadOnlyFolder looked(folder.path(), {});
  const auto results = check_store(looked, folder / "keys", Millis(5'000));
  const auto holds = std::find_if(results.begin(), results.end(), [](const auto& each) {
    return each.invariant == "unpaid orders give their units back in time";
  });
  return holds == results.end() ? "it was not looked at" : holds->violation;
}

TEST(StoreCheck, FindsUnitsThatAreHeldTooLong) {
  EXPECT_EQ(holds_of(true), "");
  EXPECT_NE(holds_of(false).find("still holds its units"), std::string::npos);
}

}  // namespace
}  // namespace market::apps
