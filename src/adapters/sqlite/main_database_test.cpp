#include "adapters/sqlite/main_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/support/temp_folder.hpp"

namespace market::sqlite {
namespace {

using testing::HasSubstr;

class MainDatabaseFile : public testing::Test {
 protected:
  ~MainDatabaseFile() override { pool_.stop(); }
  Result<> write(std::string sql) {
    auto writing = database_.write([sql = std::move(sql)](soci::session& session) -> Result<> {
      session << sql;
      return {};
    });
    io_.restart();
    auto answer = asio::co_spawn(io_, std::move(writing), asio::use_future);
    io_.run();
    return answer.get();
  }
  tests::TempFolder folder_;
  std::string path_ = folder_ / "main.db";
  asio::io_context io_;
  BlockingPool pool_{1, 10};
  MainDatabase database_{path_, pool_, 1};
};

TEST_F(MainDatabaseFile, AFullDiskIsSaidAndChangesNothing) {
  ASSERT_TRUE(write("CREATE TABLE blobs(bytes)"));
  ASSERT_TRUE(write("PRAGMA max_page_count=1"));  // SQLite takes the present size instead.
  const auto stored = write("INSERT INTO blobs VALUES(zeroblob(100000))");
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, Code::insufficient_storage);
  const auto count = database_.read_now([](soci::session& session) -> Result<int> {
    int rows = -1;
    session << "SELECT count(*) FROM blobs", soci::into(rows);
    return rows;
  });
  EXPECT_EQ(*count, 0);
}

TEST_F(MainDatabaseFile, OneFromBeforeTheFirstReleaseIsRefused) {
  ASSERT_TRUE(write("PRAGMA user_version=3"));
  try {
    const MainDatabase older(path_, pool_, 1);
    FAIL() << "it was opened";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("from before the first release"));
  }
}

}  // namespace
}  // namespace market::sqlite
