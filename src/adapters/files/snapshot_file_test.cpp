#include "adapters/files/snapshot_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

#include "adapters/files/files.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::files {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Result<> store(SnapshotFile& file, std::initializer_list<std::string_view> pieces) {
  auto done = file.begin();
  for (const auto piece : pieces)
    if (done) done = file.append(piece);
  if (done) done = file.commit();
  return done;
}

std::string text_of(const Result<std::optional<SnapshotBytes>>& snapshot) {
  return std::string(std::string_view(**snapshot));
}

TEST(SnapshotFile, IsReplacedWhole) {
  const tests::TempFolder temp;
  const auto path = temp / "gate.snapshot";
  std::string warned;
  SnapshotFile file(path, [&](const std::string& line) { warned = line; });
  EXPECT_FALSE(*file.load()) << "none yet";
  ASSERT_TRUE(store(file, {std::string(100'000, 's'), std::string(100'000, 't')}));
  EXPECT_EQ(text_of(file.load()), std::string(100'000, 's') + std::string(100'000, 't'));
  ASSERT_TRUE(store(file, {"sh", "", "ort"}));
  EXPECT_EQ(text_of(file.load()), "short");
  const std::string binary("\0\n\xff snapshot", 12);
  ASSERT_TRUE(store(file, {binary}));
  EXPECT_EQ(text_of(file.load()), binary);
  ASSERT_TRUE(store(file, {}));
  EXPECT_EQ(text_of(file.load()), "");
  EXPECT_FALSE(fs::exists(temp / "gate.snapshot.tmp"));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(warned, "");
}

/// Bytes of `path` that the disk does not have yet; none where the system does not say.
std::optional<std::uint64_t> unwritten_bytes(const fs::path& path) {
  constexpr long cachestat = 451;
  struct {
    std::uint64_t offset = 0, length = 0;
  } all;
  struct {
    std::uint64_t cached = 0, dirty = 0, being_written = 0, evicted = 0, evicted_lately = 0;
  } pages;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct statfs about {};
  if (!file || ::fstatfs(file.get(), &about) != 0 || about.f_type == TMPFS_MAGIC) return std::nullopt;
  if (::syscall(cachestat, file.get(), &all, &pages, 0) != 0) return std::nullopt;
  return (pages.dirty + pages.being_written) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(SnapshotFile, ThatIsLargeComesToTheDiskInSteps) {
  const tests::TempFolder temp;
  SnapshotFile file(temp / "gate.snapshot");
  ASSERT_TRUE(file.begin());
  const std::string piece(1 << 20, 's');
  for (int pieces = 0; pieces < 24; ++pieces) {
    ASSERT_TRUE(file.append(piece));
    const auto unwritten = unwritten_bytes(temp / "gate.snapshot.tmp");
    if (!unwritten) GTEST_SKIP() << "this system does not say what is not on the disk yet";
    ASSERT_LT(*unwritten, DurableFile::step_bytes + piece.size());
  }
}

TEST(SnapshotFile, ThatIsReplacedIsReadToItsEndByWhoHasIt) {
  const tests::TempFolder temp;
  const auto path = temp / "gate.snapshot";
  SnapshotFile file(path);
  const std::string old(3 * DurableFile::step_bytes, 'o');
  ASSERT_TRUE(store(file, {old}));
  fs::create_hard_link(path, temp / "kept");
  ASSERT_TRUE(store(file, {"new"}));
  EXPECT_EQ(text_of(read_snapshot_file(temp / "kept")), old) << "it has another name";
  ASSERT_TRUE(store(file, {old}));
  std::ifstream backup(path, std::ios::binary);
  ASSERT_TRUE(store(file, {"new"}));
  const std::string bytes{std::istreambuf_iterator<char>(backup), {}};
  EXPECT_NE(bytes.find(old), std::string::npos);
  ASSERT_TRUE(store(file, {old}));
  const auto mapped = *file.load();
  ASSERT_TRUE(store(file, {"new"}));
  EXPECT_EQ(std::string_view(*mapped), old);
  EXPECT_EQ(text_of(file.load()), "new");
}

TEST(SnapshotFile, ThatIsNotCommittedIsDropped) {
  const tests::TempFolder temp;
  const auto path = temp / "gate.snapshot";
  {
    SnapshotFile file(path);
    ASSERT_TRUE(store(file, {"kept"}));
    ASSERT_TRUE(file.begin());
    ASSERT_TRUE(file.append("dropped"));
    EXPECT_EQ(text_of(file.load()), "kept");
    ASSERT_TRUE(file.begin());
    ASSERT_TRUE(file.append("dropped, too"));
  }
  EXPECT_FALSE(fs::exists(temp / "gate.snapshot.tmp"));
  SnapshotFile file(path);
  EXPECT_EQ(text_of(file.load()), "kept");
  ASSERT_TRUE(store(file, {"newer"}));
  EXPECT_EQ(text_of(file.load()), "newer");
}

TEST(SnapshotFile, IsLeftOutWithAWarningWhereverItIsCutOrChanged) {
  const tests::TempFolder temp;
  const auto path = temp / "gate.snapshot";
  std::string warned;
  SnapshotFile file(path, [&](const std::string& line) { warned = line; });
  ASSERT_TRUE(store(file, {"twenty bytes of state"}));
  const std::string whole = **read_whole_file(path);
  const auto expect_left_out = [&](const std::string& bytes, const std::string& what) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    warned.clear();
    const auto loaded = file.load();
    ASSERT_TRUE(loaded) << what;
    EXPECT_FALSE(*loaded) << what;
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
  EXPECT_EQ(text_of(file.load()), "twenty bytes of state");
}

TEST(SnapshotFile, ThatCannotBeReadOrWrittenIsUnavailable) {
  const tests::TempFolder temp;
  SnapshotFile nowhere(temp / "none/gate.snapshot");
  EXPECT_EQ(store(nowhere, {"x"}).error().code, Code::unavailable);
  const auto path = temp / "gate.snapshot";
  SnapshotFile file(path);
  ASSERT_TRUE(store(file, {"kept"}));
  fs::create_directory(temp / "gate.snapshot.tmp");
  EXPECT_EQ(store(file, {"x"}).error().code, Code::unavailable);
  EXPECT_EQ(text_of(read_snapshot_file(path)), "kept") << "the file before stays";
  fs::create_directory(temp / "folder");
  SnapshotFile folder(temp / "folder");
  EXPECT_EQ(folder.load().error().code, Code::unavailable) << "unknown, so it is not left out";
}

}  // namespace
}  // namespace market::files
