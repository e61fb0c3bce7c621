#include "adapters/sqlite/event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "adapters/files/files.hpp"
#include "tests/support/numbered_events.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::sqlite {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using tests::numbered_group;
using tests::positions_behind;

EventLogSettings at(const fs::path& path) {
  EventLogSettings settings;
  settings.path = path;
  return settings;
}

std::string why_not(const fs::path& path) {
  try {
    SqliteEventLog log(at(path));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

void append_groups(EventLog& log, int groups, Position size) {
  for (int i = 0; i < groups; ++i) ASSERT_TRUE(log.append(numbered_group(*log.end(), size)));
}

void expect_first(EventLog& log, Position end) {
  const auto found = positions_behind(log, 0);
  ASSERT_EQ(static_cast<Position>(found.size()), end);
  for (Position i = 0; i < end; ++i) ASSERT_EQ(found[static_cast<std::size_t>(i)], i + 1);
}

TEST(SqliteEventLog, IsThereAgainAfterAClose) {
  const tests::TempFolder folder;
  {
    SqliteEventLog log(at(folder / "log.db"));
    append_groups(log, 5, 3);
  }
  SqliteEventLog log(at(folder / "log.db"));
  EXPECT_EQ(*log.end(), 15);
  expect_first(log, 15);
}

TEST(SqliteEventLog, RefusesJunkForeignAndNewerFiles) {
  const tests::TempFolder folder;
  ASSERT_TRUE(files::write_file_durably(folder / "junk.db", std::string(5000, 'x')));
  EXPECT_THAT(why_not(folder / "junk.db"), HasSubstr("junk.db: this is not a database; move it away"));

  Database::open(folder / "foreign.db", Database::Mode::create)
      .must_execute("PRAGMA application_id = 77; CREATE TABLE t(a)");
  EXPECT_THAT(why_not(folder / "foreign.db"), HasSubstr("foreign.db: this file belongs to another program"));
  Database::open(folder / "nobody.db", Database::Mode::create).must_execute("CREATE TABLE t(a)");
  EXPECT_THAT(why_not(folder / "nobody.db"), HasSubstr("belongs to another program"));

  { SqliteEventLog log(at(folder / "newer.db")); }
  Database::open(folder / "newer.db", Database::Mode::existing).must_execute("PRAGMA user_version = 99");
  EXPECT_THAT(why_not(folder / "newer.db"), HasSubstr("newer version (schema 99, this one knows up to 1)"));
  EXPECT_THAT(why_not(folder / "no-such-folder/log.db"), HasSubstr("cannot be opened"));
}

TEST(SqliteEventLog, DeletedOrMovedFileStopsItUntilItIsBack) {
  const tests::TempFolder folder;
  const auto path = folder / "log.db";
  SqliteEventLog log(at(path));
  append_groups(log, 3, 2);
  fs::rename(path, folder / "elsewhere.db");
  EXPECT_EQ(log.append(numbered_group(6, 2)).error().code, Code::unavailable);
  EXPECT_EQ(log.append(numbered_group(6, 2)).error().code, Code::unavailable);
  EXPECT_EQ(log.end().error().code, Code::unavailable);
  EXPECT_EQ(log.reopen().error().code, Code::unavailable) << "a new empty file must not be made";
  EXPECT_FALSE(fs::exists(path));
  fs::rename(folder / "elsewhere.db", path);
  const auto end = log.reopen();
  ASSERT_TRUE(end) << end.error().detail;
  EXPECT_THAT(*end, testing::AnyOf(6, 8));
  append_groups(log, 1, 2);
  expect_first(log, *log.end());
}

TEST(SqliteEventLog, AnOlderFileInItsPlaceIsRefused) {
  const tests::TempFolder folder;
  {
    SqliteEventLog log(at(folder / "log.db"));
    append_groups(log, 1, 2);
  }
  fs::copy_file(folder / "log.db", folder / "older.db");
  SqliteEventLog log(at(folder / "log.db"));
  append_groups(log, 1, 2);
  fs::rename(folder / "older.db", folder / "log.db");
  fs::remove(folder / "log.db-wal");
  EXPECT_EQ(log.append(numbered_group(4, 1)).error().code, Code::unavailable);
  const auto end = log.reopen();
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().detail, HasSubstr("ends at position 2, but 4 was already answered"));
}

TEST(SqliteEventLog, DeletedWalOrReadOnlyFileStopsIt) {
  const tests::TempFolder folder;
  SqliteEventLog log(at(folder / "log.db"));
  append_groups(log, 1, 2);
  ::chmod((folder / "log.db").c_str(), 0400);
  EXPECT_EQ(log.append(numbered_group(2, 1)).error().code, Code::unavailable);
  EXPECT_FALSE(log.reopen());
  ::chmod((folder / "log.db").c_str(), 0600);
  const auto end = log.reopen();
  ASSERT_TRUE(end) << end.error().detail;
  fs::remove(folder / "log.db-wal");
  EXPECT_EQ(log.append(numbered_group(*end, 1)).error().code, Code::unavailable);
}

TEST(SqliteEventLog, ATornWalTailLosesOnlyASuffixOfWholeGroups) {
  const tests::TempFolder folder;
  auto settings = at(folder / "log.db");
  settings.checkpoint_bytes = 1 << 30;
  SqliteEventLog log(settings);
  append_groups(log, 20, 7);
  const auto wal_bytes = fs::file_size(folder / "log.db-wal");
  for (std::uintmax_t cut : {0u, 1u, 23u, 24u, 100u, 1000u, 2047u, 4095u, 4096u, 9000u, 40000u}) {
    const auto copy = folder / ("copy-" + std::to_string(cut));
    fs::create_directory(copy);
    fs::copy_file(folder / "log.db", copy / "log.db");
    fs::copy_file(folder / "log.db-wal", copy / "log.db-wal");
    fs::resize_file(copy / "log.db-wal", wal_bytes > cut ? wal_bytes - cut : 0);
    std::string said;
    auto torn_settings = at(copy / "log.db");
    torn_settings.warn = [&](const std::string& line) { said = line; };
    SqliteEventLog torn(torn_settings);
    const auto end = *torn.end();
    EXPECT_EQ(end % 7, 0) << "half a group, cut " << cut;
    if (cut == 0) {
      EXPECT_EQ(end, 140);
    } else if (cut < 8192) {
      EXPECT_EQ(end, 133) << cut;
    }
    EXPECT_THAT(said, HasSubstr("recovered up to position " + std::to_string(end)));
    expect_first(torn, end);
    append_groups(torn, 1, 7);
    expect_first(torn, end + 7);
  }
}

TEST(SqliteEventLog, AFlippedByteInTheFileIsFoundAndNamed) {
  const tests::TempFolder folder;
  const auto path = folder / "log.db";
  {
    SqliteEventLog log(at(path));
    append_groups(log, 3, 2);
  }
  Database::open(path, Database::Mode::existing)
      .must_execute("UPDATE groups SET data = substr(data, 1, length(data) - 3) WHERE last = 4");
  SqliteEventLog log(at(path));
  const auto read = log.read(0, [](Position, const Event&) { return true; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::internal);
  EXPECT_THAT(read.error().detail, HasSubstr("position 4"));
}

TEST(SqliteEventLog, AMissingGroupIsFound) {
  const tests::TempFolder folder;
  const auto path = folder / "log.db";
  {
    SqliteEventLog log(at(path));
    append_groups(log, 3, 2);
  }
  Database::open(path, Database::Mode::existing).must_execute("DELETE FROM groups WHERE last = 4");
  SqliteEventLog log(at(path));
  EXPECT_EQ(log.read(0, [](Position, const Event&) { return true; }).error().code, Code::internal);
}

TEST(SqliteEventLog, CheckpointsKeepTheWalSmallWhileItIsWrittenAndRead) {
  const tests::TempFolder folder;
  auto settings = at(folder / "log.db");
  settings.checkpoint_bytes = 256 << 10;
  SqliteEventLog log(settings);
  append_groups(log, 400, 256);
  EXPECT_GT(fs::file_size(folder / "log.db"), 1u << 20);
  EXPECT_LT(fs::file_size(folder / "log.db-wal"), 8u << 20);
  EXPECT_EQ(*log.reopen(), 400 * 256);
  expect_first(log, 400 * 256);
}

}  // namespace
}  // namespace market::sqlite
