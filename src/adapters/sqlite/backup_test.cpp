#include "adapters/sqlite/backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/folder_lock.hpp"
#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/whole_store.hpp"
#include "tests/support/numbered_records.hpp"
#include "tests/support/temp_folder.hpp"
#include "wire/events/record_codec.hpp"

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

TEST(Backup, WhatNoServerWouldOpenIsNotCopied) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved";
  const auto refused = [&] {
    const auto why = thrown_by([&] { backup_store(data, saved); });
    EXPECT_FALSE(fs::exists(saved));
    return why;
  };
  const auto main_knows = [&](const char* sql) {
    Database::open(data / "main.db", Database::Mode::existing).must_execute(sql);
  };
  make_store(data);
  EXPECT_TRUE(files::write_file_durably(data / files::restore_mark, "x"));
  EXPECT_THAT(refused(), HasSubstr("holds an unfinished restore"));
  fs::remove(data / files::restore_mark);

  const LogId ours{7, 8, 0};
  {
    SqliteLog log(log_in(data));
    wire::Open open;
    open.log = ours;
    EXPECT_TRUE(log.append(wire::encode_open(open)));
  }
  main_knows("CREATE TABLE store(id_hi, id_lo); CREATE TABLE key_checks(name, value)");
  EXPECT_GT(backup_store(data, temp / "whole").files, 0U) << "it does not say yet which store it is of";
  main_knows("INSERT INTO store VALUES(7, 9)");
  EXPECT_THAT(refused(), HasSubstr("main.db belongs to another store than log.db"));
  main_knows("UPDATE store SET id_lo = 8; INSERT INTO key_checks VALUES('payments.db', 'made')");
  EXPECT_THAT(refused(), HasSubstr("payments.db is missing beside main.db"));
  Database::open(data / "payments.db", Database::Mode::create).must_execute("CREATE TABLE charges(a)");
  EXPECT_EQ(expect_whole_store(data).id, ours);
  Database::open(data / "records.db", Database::Mode::existing)
      .must_execute("CREATE TABLE position(log_hi, log_lo); INSERT INTO position VALUES(7, 9)");
  EXPECT_THAT(refused(), HasSubstr("records.db belongs to another log"));
  Database::open(data / "records.db", Database::Mode::existing)
      .must_execute("UPDATE position SET log_hi = 0, log_lo = 0");
  EXPECT_GT(backup_store(data, temp / "before-the-fold").files, 0U);
  fs::remove(data / "main.db");
  EXPECT_THAT(refused(), HasSubstr("main.db is missing beside log.db"));
}

TEST(Backup, AFolderThatIsTheRootOfAVolumeIsAnyFolder) {
  const tests::TempFolder temp;
  const auto data = temp / "data", saved = temp / "saved", back = temp / "back";
  make_store(data);
  for (const auto& root : {data, data / "pictures", saved, back})
    fs::create_directories(root / "lost+found/x");
  const auto report = backup_store(data, saved);
  EXPECT_EQ(restore_store(saved, back).files, report.files);
  EXPECT_TRUE(fs::exists(saved / "lost+found/x")) << "it is the volume's";
  EXPECT_FALSE(fs::exists(saved / "pictures/lost+found"));
  EXPECT_TRUE(fs::exists(back / "pictures/ab/abcd"));
  EXPECT_THAT(thrown_by([&] { backup_store(data, saved); }), HasSubstr("is not empty"));
  EXPECT_TRUE(fs::exists(saved / "lost+found/x"));
}

TEST(Backup, ABackupOfAHalfRestoredStoreIsRefused) {
  const tests::TempFolder temp;
  const auto saved = temp / "saved";
  make_backup(temp / "data", saved);
  auto text = **files::read_whole_file(saved / "manifest.txt");
  text.insert(text.find("file "), "file 00 0 restore-unfinished\n");
  EXPECT_TRUE(files::write_file_durably(saved / "manifest.txt", text));
  EXPECT_THAT(thrown_by([&] { restore_store(saved, temp / "back"); }), HasSubstr("was not finished"));
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
