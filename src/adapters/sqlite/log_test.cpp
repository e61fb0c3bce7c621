#include "adapters/sqlite/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "adapters/files/files.hpp"
#include "tests/support/numbered_records.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::sqlite {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using tests::append_numbered;
using tests::numbered_record;
using tests::offsets_from;

LogSettings at(const fs::path& path) {
  LogSettings settings;
  settings.path = path;
  return settings;
}

std::string why_not(const fs::path& path) {
  try {
    SqliteLog log(at(path));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

void expect_first(Log& log, Offset count) {
  const auto found = offsets_from(log, 1);
  ASSERT_EQ(static_cast<Offset>(found.size()), count);
  for (Offset i = 0; i < count; ++i) ASSERT_EQ(found[static_cast<std::size_t>(i)], i + 1);
}

TEST(SqliteLog, IsThereAgainAfterAClose) {
  const tests::TempFolder folder;
  {
    SqliteLog log(at(folder / "log.db"));
    ASSERT_TRUE(append_numbered(log, 15));
  }
  SqliteLog log(at(folder / "log.db"));
  EXPECT_EQ(*log.end(), 16);
  expect_first(log, 15);
}

TEST(SqliteLog, AStoreOfTheFirstSchemaIsRefused) {
  const tests::TempFolder folder;
  {
    auto db = Database::open(folder / "log.db", Database::Mode::create);
    db.must_execute(
        "CREATE TABLE groups (last INTEGER PRIMARY KEY, count INTEGER NOT NULL, data BLOB NOT NULL)");
    db.must_execute(("PRAGMA application_id = " + std::to_string(log_schema.application_id)).c_str());
    db.must_execute("PRAGMA user_version = 1");
  }
  EXPECT_THAT(
      why_not(folder / "log.db"),
      HasSubstr("written by a version before the first release (schema 1, this one reads from 2); make "
                "a new store"));
}

TEST(SqliteLog, RefusesJunkForeignAndNewerFiles) {
  const tests::TempFolder folder;
  ASSERT_TRUE(files::write_file_durably(folder / "junk.db", std::string(5000, 'x')));
  EXPECT_THAT(why_not(folder / "junk.db"), HasSubstr("junk.db: this is not a database; move it away"));

  Database::open(folder / "foreign.db", Database::Mode::create)
      .must_execute("PRAGMA application_id = 77; CREATE TABLE t(a)");
  EXPECT_THAT(why_not(folder / "foreign.db"), HasSubstr("foreign.db: this file belongs to another program"));
  Database::open(folder / "nobody.db", Database::Mode::create).must_execute("CREATE TABLE t(a)");
  EXPECT_THAT(why_not(folder / "nobody.db"), HasSubstr("belongs to another program"));

  { SqliteLog log(at(folder / "newer.db")); }
  Database::open(folder / "newer.db", Database::Mode::existing).must_execute("PRAGMA user_version = 99");
  EXPECT_THAT(why_not(folder / "newer.db"), HasSubstr("newer version (schema 99, this one knows up to 2)"));
  EXPECT_THAT(why_not(folder / "no-such-folder/log.db"), HasSubstr("cannot be opened"));
}

TEST(SqliteLog, DeletedOrMovedFileStopsItUntilItIsBack) {
  const tests::TempFolder folder;
  const auto path = folder / "log.db";
  SqliteLog log(at(path));
  ASSERT_TRUE(append_numbered(log, 3));
  fs::rename(path, folder / "elsewhere.db");
  EXPECT_EQ(log.append(numbered_record(4)).error().code, Code::unavailable);
  EXPECT_EQ(log.append(numbered_record(4)).error().code, Code::unavailable);
  EXPECT_EQ(log.end().error().code, Code::unavailable);
  EXPECT_EQ(offsets_from(log, 1), std::vector<Offset>{-2});
  EXPECT_EQ(log.append(numbered_record(4)).error().code, Code::unavailable);
  EXPECT_FALSE(fs::exists(path)) << "a new empty file must not be made";
  fs::rename(folder / "elsewhere.db", path);
  const auto end = log.end();
  ASSERT_TRUE(end) << end.error().detail;
  EXPECT_THAT(*end, testing::AnyOf(4, 5));
  ASSERT_TRUE(append_numbered(log, 1));
  expect_first(log, *end);
}

TEST(SqliteLog, AnOlderFileInItsPlaceIsRefused) {
  const tests::TempFolder folder;
  {
    SqliteLog log(at(folder / "log.db"));
    ASSERT_TRUE(append_numbered(log, 1));
  }
  fs::copy_file(folder / "log.db", folder / "older.db");
  SqliteLog log(at(folder / "log.db"));
  ASSERT_TRUE(append_numbered(log, 1));
  fs::rename(folder / "older.db", folder / "log.db");
  fs::remove(folder / "log.db-wal");
  EXPECT_EQ(log.append(numbered_record(3)).error().code, Code::unavailable);
  const auto end = log.end();
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().detail, HasSubstr("ends at record 1, but 2 was already answered"));
}

TEST(SqliteLog, DeletedWalOrReadOnlyFileStopsIt) {
  const tests::TempFolder folder;
  SqliteLog log(at(folder / "log.db"));
  ASSERT_TRUE(append_numbered(log, 1));
  ::chmod((folder / "log.db").c_str(), 0400);
  EXPECT_EQ(log.append(numbered_record(2)).error().code, Code::unavailable);
  EXPECT_FALSE(log.end());
  ::chmod((folder / "log.db").c_str(), 0600);
  const auto end = log.end();
  ASSERT_TRUE(end) << end.error().detail;
  fs::remove(folder / "log.db-wal");
  EXPECT_EQ(log.append(numbered_record(*end)).error().code, Code::unavailable);
}

TEST(SqliteLog, ATornWalTailLosesOnlyASuffixOfWholeRecords) {
  const tests::TempFolder folder;
  auto settings = at(folder / "log.db");
  settings.checkpoint_bytes = 1 << 30;
  SqliteLog log(settings);
  ASSERT_TRUE(append_numbered(log, 20));
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
    SqliteLog torn(torn_settings);
    const auto last = *torn.end() - 1;
    if (cut == 0) {
      EXPECT_EQ(last, 20);
    } else if (cut < 8192) {
      EXPECT_EQ(last, 19) << cut;
    }
    EXPECT_THAT(said, HasSubstr("recovered up to record " + std::to_string(last)));
    expect_first(torn, last);
    ASSERT_TRUE(append_numbered(torn, 1));
    expect_first(torn, last + 1);
  }
}

TEST(SqliteLog, AMissingRecordIsFoundAndNamed) {
  const tests::TempFolder folder;
  const auto path = folder / "log.db";
  {
    SqliteLog log(at(path));
    ASSERT_TRUE(append_numbered(log, 3));
  }
  Database::open(path, Database::Mode::existing).must_execute("DELETE FROM records WHERE offset = 2");
  SqliteLog log(at(path));
  const auto read = log.read(1, [](Offset, std::string_view) { return true; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::internal);
  EXPECT_THAT(read.error().detail, HasSubstr("record 2 is missing"));
}

TEST(SqliteLog, ADamagedPageIsFoundAndNamed) {
  const tests::TempFolder folder;
  const auto path = folder / "log.db";
  {
    SqliteLog log(at(path));
    ASSERT_TRUE(append_numbered(log, 300, 4000));
  }
  auto bytes = **files::read_whole_file(path);
  for (std::size_t page = 20; page < 40; ++page) bytes.replace(page * 8192, 100, 100, '\xee');
  ASSERT_TRUE(files::write_file_durably(path, bytes));
  SqliteLog log(at(path));
  Offset seen = 0;
  const auto read = log.read(1, [&](Offset offset, std::string_view record) {
    EXPECT_EQ(record, numbered_record(offset, 4000));
    seen = offset;
    return true;
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::internal);
  EXPECT_GT(seen, 0);
  EXPECT_THAT(read.error().detail, HasSubstr("record " + std::to_string(seen + 1)));
}

TEST(SqliteLog, CheckpointsKeepTheWalSmallWhileItIsWrittenAndRead) {
  const tests::TempFolder folder;
  auto settings = at(folder / "log.db");
  settings.checkpoint_bytes = 256 << 10;
  SqliteLog log(settings);
  ASSERT_TRUE(append_numbered(log, 400, 12'000));
  EXPECT_GT(fs::file_size(folder / "log.db"), 1u << 20);
  EXPECT_LT(fs::file_size(folder / "log.db-wal"), 8u << 20);
  expect_first(log, 400);
}

}  // namespace
}  // namespace market::sqlite
