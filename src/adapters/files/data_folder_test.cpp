#include "adapters/files/data_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fstream>
#include <future>

#include "tests/support/temp_folder.hpp"

namespace market::files {
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

TEST(DataFolder, IsMadePrivateAndLockedOnce) {
  const tests::TempFolder temp;
  const auto path = temp / "a/data";
  {
    const auto folder = DataFolder::open(path);
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    const auto owner = std::to_string(::getpid());
    EXPECT_EQ(thrown_by([&] { DataFolder::open(path); }),
              "data folder " + path.string() + " is in use by process " + owner);
    EXPECT_EQ(DataFolder::owner(path), ::getpid());
    EXPECT_EQ(thrown_by([&] { is_served(path); }),
              "data folder " + path.string() + " is in use by process " + owner);
    say_it_is_served(path);
    EXPECT_TRUE(is_served(path));
    EXPECT_EQ(DataFolder::owner(path), ::getpid());
  }
  EXPECT_FALSE(is_served(path));
  EXPECT_EQ(DataFolder::owner(path), 0);
  EXPECT_EQ(DataFolder::owner(temp / "none"), 0);
  const auto again = DataFolder::open(path);
  EXPECT_NE(thrown_by([&] { is_served(path); }), "") << "who served before does so no more";
}

TEST(DataFolder, ARestartWaitsForTheProcessBefore) {
  const tests::TempFolder temp;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto folder = DataFolder::open(temp / "data");
    char byte = 1;
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    ::usleep(200'000);
    ::_exit(0);  // As after kill -9: nothing is tidied up, the kernel drops the lock.
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(thrown_by([&] { DataFolder::open(temp / "data"); }), HasSubstr(std::to_string(child)));
  EXPECT_NO_THROW(DataFolder::open(temp / "data", Millis{5000}));
  ::waitpid(child, nullptr, 0);
}

TEST(DataFolder, SecretsAreMadeOnceAndRefusedWhenWeak) {
  const tests::TempFolder temp;
  const auto folder = DataFolder::open(temp / "data");
  const auto key = folder.load_or_create_secret("token");
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(folder.load_or_create_secret("token"), key);
  EXPECT_NE(folder.load_or_create_secret("other"), key);
  const auto file = folder.file("keys/token");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  ::chmod(file.c_str(), 0644);
  EXPECT_THAT(thrown_by([&] { folder.load_or_create_secret("token"); }),
              HasSubstr("open to others (mode 644)"));
  ::chmod(file.c_str(), 0600);
  fs::resize_file(file, 31);
  EXPECT_THAT(thrown_by([&] { folder.load_or_create_secret("token"); }), HasSubstr("too short (31 bytes"));
}

TEST(DataFolder, SeveralInstancesUseOneFolderOfKeys) {
  const tests::TempFolder temp;
  const auto one = DataFolder::open(temp / "one", Millis{0}, temp / "keys");
  const auto other = DataFolder::open(temp / "other", Millis{0}, temp / "keys");
  EXPECT_EQ(one.load_or_create_secret("token"), other.load_or_create_secret("token"));
  EXPECT_EQ(one.keys(), other.keys());
  EXPECT_FALSE(fs::exists(one.file("keys")));
  // Also when both need one that nobody has made yet.
  for (int i = 0; i < 50; ++i) {
    const auto name = "key" + std::to_string(i);
    auto there = std::async(std::launch::async, [&] { return other.load_or_create_secret(name); });
    EXPECT_EQ(one.load_or_create_secret(name), there.get());
  }
}

TEST(DataFolder, ACopyThatWasBrokenOffIsNotServed) {
  const tests::TempFolder temp;
  fs::create_directory(temp / "data");
  std::ofstream(temp / "data" / copy_mark) << "x";
  EXPECT_THAT(thrown_by([&] { DataFolder::open(temp / "data"); }), HasSubstr("unfinished backup"));
  std::ofstream(temp / "data" / restore_mark) << "x";
  EXPECT_THAT(thrown_by([&] { DataFolder::open(temp / "data"); }), HasSubstr("unfinished restore"));
  EXPECT_NO_THROW(DataFolder::open_to_restore(temp / "data"));
}

TEST(DataFolder, AKeyThatDataNeedsIsNotMadeAnew) {
  const tests::TempFolder temp;
  const auto folder = DataFolder::open(temp / "data");
  const auto key = folder.load_secret_of("main.db", "field", 32);
  std::ofstream(folder.file("main.db")) << "encrypted";
  EXPECT_EQ(folder.load_secret_of("main.db", "field", 32), key);
  fs::remove(folder.file("keys/field"));
  EXPECT_THAT(thrown_by([&] { folder.load_secret_of("main.db", "field", 32); }), HasSubstr("is missing"));
  EXPECT_FALSE(fs::exists(folder.file("keys/field")));
}

TEST(CreateForOwner, TakesADatabaseThatIsThereAwayFromOthers) {
  const tests::TempFolder temp;
  const auto mode_of = [](const fs::path& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 0777u : 0u;
  };
  const fs::path made = temp / "new.db", old = temp / "old.db";
  create_for_owner(made);
  EXPECT_EQ(mode_of(made), 0600u);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::ofstream(old.string() + suffix) << "rows";
    ::chmod((old.string() + suffix).c_str(), 0644);
  }
  create_for_owner(old);
  for (const char* suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(old.string() + suffix), 0600u) << suffix;
  EXPECT_EQ(fs::file_size(old), 4u);
}

TEST(CreateForOwner, WhatRootMakesIsTheOwnersOfItsFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const tests::TempFolder temp;
  ASSERT_EQ(::chown(temp.path().c_str(), 12'345, 12'346), 0);
  create_for_owner(temp / "records.db");
  const auto folder = DataFolder::open(temp / "data");
  folder.load_or_create_secret("field", 32);
  for (const char* name : {"records.db", "data", "data/lock", "data/keys", "data/keys/field"}) {
    struct stat about {};
    ASSERT_EQ(::stat((temp / name).c_str(), &about), 0) << name;
    EXPECT_EQ(about.st_uid, 12'345u) << name;
    EXPECT_EQ(about.st_gid, 12'346u) << name;
  }
}

}  // namespace
}  // namespace market::files
