#include "adapters/sqlite/backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/folder_lock.hpp"
#include "adapters/sqlite/log.hpp"
#include "tests/support/numbered_records.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::sqlite {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

template <class Action>
std::string thrown_by(Action action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

LogSettings log_in(const fs::path& folder) {
  LogSettings settings;
  settings.path = folder / "log.db";
  return settings;
}

void fill(const fs::path& data) {
  Database::open(data / "records.db", Database::Mode::create)
      .must_execute("CREATE TABLE r(a); INSERT INTO r VALUES(1)");
  Database::open(data / "main.db", Database::Mode::create)
      .must_execute("CREATE TABLE m(a); INSERT INTO m VALUES(2)");
  fs::create_directories(data / "pictures/ab");
  EXPECT_TRUE(files::write_file_durably(data / "pictures/ab/abcd", "a picture"));
}

/// One that nobody has open.
void make_store(const fs::path& data) {
  const auto folder = files::DataFolder::open(data);
  SqliteLog log(log_in(data));
  fill(data);
}

void make_backup(const fs::path& data, const fs::path& saved) {
  const auto folder = files::DataFolder::open(data);
  SqliteLog log(log_in(data));
  fill(data);
  backup_store(data, saved);
}

TEST(Backup, CopiesARunningStoreAndBringsItBack) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved", back = temp / "back";
  std::string key;
  BackupReport report;
  Offset before = 0;
  {
    const auto folder = files::DataFolder::open(data);
    key = folder.load_or_create_secret("token");
    fill(data);
    SqliteLog log(log_in(data));
    std::atomic<bool> done{false};
    std::atomic<Offset> end{0};
    std::thread writer([&] {
      while (!done) end = *log.append(tests::numbered_record(end + 1));
    });
    while (end < 100) std::this_thread::yield();
    before = end;
    report = backup_store(data, saved);
    done = true;
    writer.join();
    EXPECT_THAT(thrown_by([&] { restore_store(saved, data); }), HasSubstr("is in use by process"));
  }
  EXPECT_GE(report.log_records, before);
  EXPECT_THAT(thrown_by([&] { restore_store(saved, data); }), HasSubstr("is not empty"));
  EXPECT_THAT(thrown_by([&] { backup_store(data, saved); }), HasSubstr("is not empty"));

  EXPECT_EQ(restore_store(saved, back).log_records, report.log_records);
  const auto folder = files::DataFolder::open(back);
  EXPECT_EQ(folder.load_or_create_secret("token"), key);
  EXPECT_EQ(**files::read_whole_file(back / "pictures/ab/abcd"), "a picture");
  EXPECT_EQ(Database::open(back / "main.db", Database::Mode::existing).must_query("SELECT a FROM m"), 2);
  SqliteLog log(log_in(back));
  EXPECT_EQ(*log.end(), report.log_records + 1);
  const auto found = tests::offsets_from(log, 1);
  EXPECT_EQ(static_cast<Offset>(found.size()), report.log_records);
  EXPECT_EQ(found.back(), report.log_records);
}

TEST(Backup, HasWhatLiesOnOtherDisks) {
  const tests::TempFolder temp;
  const auto data = temp / "data";
  make_store(data);
  fs::rename(data / "pictures", temp / "disk");
  fs::create_directory_symlink(temp / "disk", data / "pictures");
  backup_store(data, temp / "saved");
  EXPECT_EQ(**files::read_whole_file(temp / "saved/pictures/ab/abcd"), "a picture");
  EXPECT_FALSE(fs::is_symlink(temp / "saved/pictures"));
  fs::create_symlink(temp / "disk/gone", data / "note");
  EXPECT_THAT(thrown_by([&] { backup_store(data, temp / "second"); }),
              HasSubstr("note: is a link to no folder"));
  fs::remove(data / "note");
  fs::create_directory_symlink(data, data / "again");
  EXPECT_THAT(thrown_by([&] { backup_store(data, temp / "third"); }), HasSubstr("a link leads back"));
}

TEST(Backup, OfTwoToOneFolderTheSecondTouchesNothing) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved";
  const auto folder = files::DataFolder::open(data);
  SqliteLog log(log_in(data));
  fill(data);
  fs::create_directory(saved);
  {
    const files::FolderLock first(saved, "folder");  // It has found nothing in there, and begins to copy.
    EXPECT_THAT(thrown_by([&] { backup_store(data, saved); }), HasSubstr("in use by another process"));
    EXPECT_TRUE(fs::is_empty(saved));
    fs::remove(saved);
    fs::create_directory(saved);
    backup_store(data, saved);
  }
  fs::create_directory(temp / "gone");
  const files::FolderLock first(temp / "gone", "folder");
  EXPECT_THAT(thrown_by([&] { files::FolderLock(temp / "gone", "it"); }), HasSubstr("it "));
  EXPECT_THAT(thrown_by([&] { backup_store(data, data / "log.db"); }), HasSubstr("inside"));
  EXPECT_THAT(thrown_by([&] { backup_store(data, saved / "log.db"); }), HasSubstr("Not a directory"));
  BackupReport report;
  verify_backup(saved, report);
}

TEST(Backup, ADamagedOrUnfinishedOneIsRefused) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved";
  EXPECT_THAT(thrown_by([&] { backup_store(temp / "nothing", saved); }), HasSubstr("is no data folder"));
  {
    const auto folder = files::DataFolder::open(data);
    SqliteLog log(log_in(data));
    fill(data);
    EXPECT_THAT(thrown_by([&] { backup_store(data, data / "saved"); }), HasSubstr("inside the data folder"));
    backup_store(data, saved);
  }
  EXPECT_TRUE(files::write_file_durably(saved / "pictures/ab/abcd", "a picturf"));
  EXPECT_THAT(thrown_by([&] { restore_store(saved, temp / "back"); }), HasSubstr("abcd: is damaged"));
  EXPECT_FALSE(fs::exists(temp / "back"));
  fs::remove(saved / "manifest.txt");
  EXPECT_THAT(thrown_by([&] { restore_store(saved, temp / "back"); }), HasSubstr("no manifest"));
}

TEST(Backup, AHalfRestoredFolderIsNotServed) {
  const tests::TempFolder temp;
  fs::create_directory(temp / "data");
  EXPECT_TRUE(files::write_file_durably(temp / "data" / files::restore_mark, "x"));
  EXPECT_THAT(thrown_by([&] { files::DataFolder::open(temp / "data"); }), HasSubstr("unfinished restore"));
}

TEST(Backup, ARestoreThatWasBrokenOffGoesOn) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved", back = temp / "back";
  make_backup(data, saved);
  fs::create_directories(back / "pictures/ab");
  fs::copy_file(saved / "log.db", back / "log.db");
  EXPECT_TRUE(files::write_file_durably(back / "main.db", "half of i"));
  EXPECT_TRUE(files::write_file_durably(back / files::restore_mark, "of another backup"));
  EXPECT_THAT(thrown_by([&] { restore_store(saved, back); }), HasSubstr("of another backup; empty it"));
  BackupReport report;
  const auto mark = "a restore of the backup " + verify_backup(saved, report) + " runs or was cut short\n";
  EXPECT_TRUE(files::write_file_durably(back / files::restore_mark, mark));
  EXPECT_EQ(restore_store(saved, back).files, report.files);
  EXPECT_FALSE(fs::exists(back / files::restore_mark));
  EXPECT_EQ(**files::read_whole_file(back / "pictures/ab/abcd"), "a picture");
  EXPECT_EQ(Database::open(back / "main.db", Database::Mode::existing).must_query("SELECT a FROM m"), 2);
}

TEST(Backup, TakesNoFolderThatHoldsAnything) {
  const tests::TempFolder temp;
  const auto parent = temp / "parent", data = parent / "shop.tmp";
  fs::create_directories(parent);
  const auto folder = files::DataFolder::open(data);
  SqliteLog log(log_in(data));
  fill(data);
  EXPECT_THAT(thrown_by([&] { backup_store(data, parent); }), HasSubstr("lies inside the backup folder"));
  EXPECT_TRUE(fs::exists(data / "log.db"));

  const auto other = temp / "other";
  fs::create_directories(other / "photos.tmp");
  EXPECT_THAT(thrown_by([&] { backup_store(data, other); }), HasSubstr("is not empty"));
  EXPECT_TRUE(fs::exists(other / "photos.tmp"));
  fs::remove(other / "photos.tmp");
  EXPECT_TRUE(files::write_file_durably(other / "notes.tmp", "somebody's"));
  EXPECT_THAT(thrown_by([&] { backup_store(data, other); }), HasSubstr("is not empty"));
  EXPECT_THAT(thrown_by([&] { require_empty(other, "data folder"); }), HasSubstr("is not empty"));
  fs::rename(other / "notes.tmp", other / (std::string(files::copy_mark) + ".tmp"));
  EXPECT_GT(backup_store(data, other).files, 0U) << "of a backup that was killed at its start";
}

TEST(Backup, OneThatWasKilledIsKnownByItsMarkAndBegunAnew) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved";
  const auto folder = files::DataFolder::open(data);
  SqliteLog log(log_in(data));
  fill(data);
  fs::create_directories(saved / "keys");
  EXPECT_TRUE(files::write_file_durably(saved / files::copy_mark, "a copy is made, or was broken off\n"));
  EXPECT_THAT(thrown_by([&] { backup_store(data, saved); }), HasSubstr("is not empty"))
      << "that of a market on shared engines goes on by itself";
  EXPECT_TRUE(files::write_file_durably(saved / files::copy_mark,
                                        "a backup of a data folder is made, or was broken off\n"));
  EXPECT_TRUE(files::write_file_durably(saved / "main.db", "half of i"));
  EXPECT_TRUE(files::write_file_durably(saved / "gate.snapshot", "of before"));
  EXPECT_THAT(thrown_by([&] { files::DataFolder::open(saved); }), HasSubstr("is an unfinished backup"));
  EXPECT_THAT(thrown_by([&] { restore_store(saved, temp / "back"); }), HasSubstr("is an unfinished backup"));
  EXPECT_THAT(thrown_by([&] { backup_store(saved, temp / "more"); }), HasSubstr("no data folder"));
  EXPECT_TRUE(files::write_file_durably(saved / "log.db", "half of it"));
  EXPECT_THAT(thrown_by([&] { backup_store(saved, temp / "more"); }), HasSubstr("is an unfinished backup"));
  backup_store(data, saved);
  EXPECT_FALSE(fs::exists(saved / files::copy_mark));
  EXPECT_FALSE(fs::exists(saved / "gate.snapshot")) << "the store has none";
  BackupReport report;
  verify_backup(saved, report);
}

TEST(Backup, AFolderThatIsWholeIsSealed) {
  const tests::TempFolder temp;
  const auto data = temp / "data";
  make_store(data);
  const auto report = seal_backup(data);
  BackupReport verified;
  const auto sum = verify_backup(data, verified);
  EXPECT_EQ(verified.files, report.files);
  EXPECT_EQ(restore_store(data, temp / "back").files, report.files);
  EXPECT_TRUE(files::write_file_durably(data / "pictures/ab/abcd", "a picturf"));
  EXPECT_THAT(thrown_by([&] { verify_backup(data, verified); }), HasSubstr("is damaged; this backup"));
  EXPECT_EQ(sum.size(), 64u);
}

TEST(Backup, WhatIsNoBackupIsRefusedBeforeAnythingIsMade) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved", back = temp / "back";
  make_backup(data, saved);
  const auto why = [&](const fs::path& to) { return thrown_by([&] { restore_store(saved, to); }); };
  EXPECT_THAT(why(saved / "inside"), HasSubstr("lies inside the backup"));
  EXPECT_FALSE(fs::exists(saved / "inside"));
  const auto manifest = **files::read_whole_file(saved / "manifest.txt");
  EXPECT_TRUE(files::write_file_durably(saved / "manifest.txt", manifest + "file x 0 more\n"));
  EXPECT_THAT(why(back), HasSubstr("the manifest is damaged"));
  EXPECT_TRUE(files::write_file_durably(saved / "manifest.txt", manifest));
  fs::rename(saved / "main.db", temp / "elsewhere.db");
  fs::create_symlink(temp / "elsewhere.db", saved / "main.db");
  EXPECT_THAT(why(back), HasSubstr("main.db: is a link; this backup cannot be used"));
  EXPECT_FALSE(fs::exists(back));
  const auto looked = check_backup(files::ReadOnlyFolder(saved, temp / "scratch"));
  EXPECT_THAT(looked.at(0).violation, HasSubstr("main.db is a link"));
}

}  // namespace
}  // namespace market::sqlite
