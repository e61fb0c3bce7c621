#include "adapters/files/signing_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>
#include <fstream>

#include "adapters/files/files.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::files {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const Instant now{Millis(1'764'126'727'900)};
const auto minute = std::chrono::minutes(1);

std::vector<std::string> ids(const fs::path& first) {
  std::vector<std::string> ids;
  for (const auto& key : load_signing_keys(first)) ids.push_back(key.key.id);
  return ids;
}

TEST(SigningKeys, TheNewestIsFirst) {
  const tests::TempFolder temp;
  const auto first = temp / "token-signing";
  EXPECT_THAT(ids(first), ElementsAre());
  EXPECT_THAT(ids(temp / "none/token-signing"), ElementsAre());
  ASSERT_TRUE(write_file_durably(first, random_secret(32)));
  EXPECT_THAT(ids(first), ElementsAre("k1"));
  const auto added = add_signing_key(first, now);
  EXPECT_EQ(added.key.id, "k1764126727");
  EXPECT_EQ(fs::status(added.file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  add_signing_key(first, now + minute);
  EXPECT_THAT(ids(first), ElementsAre("k1764126787", "k1764126727", "k1"));
  const auto keys = load_signing_keys(first);
  EXPECT_EQ(keys[1].key.secret, added.key.secret);
  EXPECT_EQ(keys[1].key.secret.size(), 32u);
  EXPECT_NE(keys[0].key.secret, keys[1].key.secret);
  EXPECT_EQ(keys[1].made_at, Instant(Millis(1'764'126'727'000)));
}

TEST(SigningKeys, ANewOneIsNewerThanAllWhateverTheClockSays) {
  const tests::TempFolder temp;
  const auto first = temp / "token-signing";
  add_signing_key(first, now);
  add_signing_key(first, now);
  add_signing_key(first, now - std::chrono::hours(24));
  EXPECT_THAT(ids(first), ElementsAre("k1764126729", "k1764126728", "k1764126727"));
}

TEST(SigningKeys, OneThatRootMakesBelongsToTheServersUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const tests::TempFolder temp;
  ASSERT_EQ(::chown(temp.path().c_str(), 12'345, 12'346), 0);
  const auto file = add_signing_key(temp / "token-signing", now).file;
  struct stat about {};
  ASSERT_EQ(::stat(file.c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, 12'345u);
  EXPECT_EQ(about.st_gid, 12'346u);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
}

TEST(SigningKeys, TheFirstMayBeRemoved) {
  const tests::TempFolder temp;
  const auto first = temp / "token-signing";
  ASSERT_TRUE(write_file_durably(first, random_secret(32)));
  add_signing_key(first, now);
  remove_signing_key(load_signing_keys(first).back());
  EXPECT_FALSE(fs::exists(first));
  EXPECT_THAT(ids(first), ElementsAre("k1764126727"));
  EXPECT_TRUE(has_signing_keys(first)) << "a later one is there";
}

TEST(SigningKeys, FilesOfOtherNamesAreNone) {
  const tests::TempFolder temp;
  const auto first = temp / "token-signing";
  for (const auto* name :
       {"token-signing.", "token-signing.tmp", "token-signing.1764126727.tmp", "token-signing.-5",
        "token-signing.0", "token-signing.1", "token-signing.01764126727",
        "token-signing.99999999999999999999", "token-signing1764126727", "field-index"})
    ASSERT_TRUE(write_file_durably(temp / name, random_secret(32)));
  EXPECT_THAT(ids(first), ElementsAre());
  EXPECT_FALSE(has_signing_keys(first));
  EXPECT_FALSE(has_signing_keys({}));
}

TEST(SigningKeys, AnOpenOrShortOneIsRefused) {
  const tests::TempFolder temp;
  const auto first = temp / "token-signing";
  ASSERT_TRUE(write_file_durably(first, random_secret(32)));
  const auto file = add_signing_key(first, now).file;
  const auto thrown = [&first] {
    try {
      load_signing_keys(first);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(thrown(), "");
  ::chmod(file.c_str(), 0640);
  EXPECT_THAT(thrown(), HasSubstr(file.string() + " is open to others"));
  ::chmod(file.c_str(), 0600);
  fs::resize_file(file, 31);
  EXPECT_THAT(thrown(), HasSubstr("too short"));
}

}  // namespace
}  // namespace market::files
