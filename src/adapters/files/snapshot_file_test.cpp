#include "adapters/files/snapshot_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <fstream>

#include "adapters/files/files.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::files {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(SnapshotFile, IsReplacedWhole) {
  const tests::TempFolder temp;
  const auto path = temp / "gate.snapshot";
  std::string warned;
  SnapshotFile file(path, [&](const std::string& line) { warned = line; });
  EXPECT_EQ(*file.load(), std::nullopt) << "none yet";
  ASSERT_TRUE(file.store(std::string(100'000, 's')));
  ASSERT_TRUE(file.store("short"));
  EXPECT_EQ(**file.load(), "short");
  const std::string binary("\0\n\xff snapshot", 12);
  ASSERT_TRUE(file.store(binary));
  EXPECT_EQ(**file.load(), binary);
  ASSERT_TRUE(file.store(""));
  EXPECT_EQ(**file.load(), "");
  EXPECT_FALSE(fs::exists(temp / "gate.snapshot.tmp"));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(warned, "");
}

TEST(SnapshotFile, IsLeftOutWithAWarningWhereverItIsCutOrChanged) {
  const tests::TempFolder temp;
  const auto path = temp / "gate.snapshot";
  std::string warned;
  SnapshotFile file(path, [&](const std::string& line) { warned = line; });
  ASSERT_TRUE(file.store("twenty bytes of state"));
  const std::string whole = **read_whole_file(path);
  const auto expect_left_out = [&](const std::string& bytes, const std::string& what) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    warned.clear();
    const auto loaded = file.load();
    ASSERT_TRUE(loaded) << what;
    EXPECT_EQ(*loaded, std::nullopt) << what;
    EXPECT_THAT(warned, HasSubstr(path.string())) << what;
    EXPECT_EQ(read_snapshot_file(path).error().code, Code::internal) << what;
  };
  for (std::size_t size = 0; size < whole.size(); ++size)
    expect_left_out(whole.substr(0, size), "cut to " + std::to_string(size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    expect_left_out(changed, "changed at " + std::to_string(at));
  }
  expect_left_out(whole + 'x', "one byte more");
  std::ofstream(path, std::ios::binary | std::ios::trunc) << whole;
  EXPECT_EQ(**file.load(), "twenty bytes of state");
}

TEST(SnapshotFile, ThatCannotBeReadOrWrittenIsUnavailable) {
  const tests::TempFolder temp;
  EXPECT_EQ(write_snapshot_file(temp / "none/gate.snapshot", "x").error().code, Code::unavailable);
  const auto path = temp / "gate.snapshot";
  ASSERT_TRUE(write_snapshot_file(path, "kept"));
  fs::create_directory(temp / "gate.snapshot.tmp");
  EXPECT_EQ(write_snapshot_file(path, "x").error().code, Code::unavailable);
  EXPECT_EQ(**read_snapshot_file(path), "kept") << "the file before stays";
  fs::create_directory(temp / "folder");
  SnapshotFile folder(temp / "folder");
  EXPECT_EQ(folder.load().error().code, Code::unavailable) << "unknown, so it is not left out";
}

}  // namespace
}  // namespace market::files
