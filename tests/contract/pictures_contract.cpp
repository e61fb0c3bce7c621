/// ports/pictures.hpp: what every adapter must keep.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "adapters/files/picture_store.hpp"
#include "adapters/mysql/pictures.hpp"
#include "adapters/mysql/schema.hpp"
#include "base/text.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/mysql_database.hpp"

namespace market::contract {
namespace {

class PicturesContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "files") return;
    if (tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
    database_.emplace();
    mysql::migrate(database_->server());
    rows_.emplace(database_->server(), files_, pool_, 2);
  }
  ~PicturesContract() override { pool_.stop(); }
  Pictures& pictures() { return rows_ ? static_cast<Pictures&>(*rows_) : files_; }
  Result<std::string> store(std::string bytes) {
    return run(pictures().store(std::make_shared<const std::string>(std::move(bytes))));
  }
  TemporaryFolder folder_;
  std::optional<tests::MysqlDatabase> database_;
  BlockingPool pool_{2, 100};
  files::PictureStore files_{folder_.file("pictures"), pool_};
  std::optional<mysql::MysqlPictures> rows_;
};

TEST_P(PicturesContract, APictureComesBackByteForByteByItsHash) {
  std::string bytes("\x89PNG\0\xFF'", 7);
  bytes.append(5 * 1024 * 1024, '\0');
  const auto hash = store(bytes);
  ASSERT_TRUE(hash) << hash.error().detail;
  EXPECT_EQ(hash->size(), 64u);
  EXPECT_EQ(*store(bytes), *hash) << "the same twice is the same picture";
  const auto found = run(pictures().load(*hash));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_TRUE(*found == bytes);
  EXPECT_EQ(*store("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(*run(pictures().load(*hash)), bytes);
}

TEST_P(PicturesContract, WhatIsNoHashOrUnknownIsNotFound) {
  const std::string hash = *store("abc");
  std::string upper = hash;
  upper[0] = 'B';
  for (const auto& asked : {std::string(), std::string(64, '0'), hash.substr(1), hash + '0', upper,
                            "../" + hash.substr(3), std::string(62, '.') + "//", std::string(64, '\0')}) {
    const auto found = run(pictures().load(asked));
    ASSERT_FALSE(found) << asked;
    EXPECT_EQ(found.error().code, Code::not_found) << asked;
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, PicturesContract, testing::Values("files", "mysql"),
                         [](const testing::TestParamInfo<std::string>& info) { return info.param; });

struct NoRoom final : Pictures {
  Task<std::string> store(std::shared_ptr<const std::string>) override {
    co_return fail(Code::insufficient_storage, "the disk is full");
  }
  Task<std::string> load(std::string) override { co_return fail(Code::not_found, "there is none"); }
};

/// Another instance stored it; here it is asked for the first time, and then no database is needed.
TEST(PicturesOfSeveralInstances, WhatOneHasStoredIsServedByAll) {
  if (tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
  std::optional<tests::MysqlDatabase> database(std::in_place);
  mysql::Session session(database->server());
  mysql::migrate(database->server());
  TemporaryFolder folder;
  BlockingPool pool(2, 100);
  files::PictureStore here(folder.file("here"), pool), there(folder.file("there"), pool);
  mysql::MysqlPictures one(database->server(), here, pool, 2), other(database->server(), there, pool, 2);
  const std::string bytes("\xFF\xD8\0'\\\"x", 7);
  const auto hash = run(one.store(std::make_shared<const std::string>(bytes)));
  ASSERT_TRUE(hash) << hash.error().detail;
  ASSERT_FALSE(run(there.load(*hash)));
  EXPECT_EQ(*run(other.load(*hash)), bytes);
  session.execute("UPDATE pictures SET bytes = 'other'");
  EXPECT_EQ(*run(other.load(*hash)), bytes) << "from its own files";
  files::PictureStore third(folder.file("third"), pool);
  mysql::MysqlPictures late(database->server(), third, pool, 2);
  EXPECT_EQ(run(late.load(*hash)).error().code, Code::unavailable) << "a damaged row is told from a picture";
  EXPECT_FALSE(run(third.load(*hash)));
  NoRoom full;
  mysql::MysqlPictures without_copies(database->server(), full, pool, 2);
  EXPECT_FALSE(run(without_copies.load(*hash))) << "also where no copy can be kept";
  session.execute(fmt::format("UPDATE pictures SET bytes = x'{}'", to_hex(bytes)));
  EXPECT_EQ(*run(without_copies.load(*hash)), bytes);
  pool.stop();
}

}  // namespace
}  // namespace market::contract
