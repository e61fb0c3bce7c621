#include "adapters/files/picture_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>
#include <thread>

#include "adapters/files/files.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::files {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class PictureFiles : public testing::Test {
 protected:
  ~PictureFiles() override { pool_.stop(); }
  template <class T>
  Result<T> run(Task<T> task) {
    io_.restart();
    auto answer = asio::co_spawn(io_, std::move(task), asio::use_future);
    io_.run();
    return answer.get();
  }
  Result<std::string> store(const std::string& bytes) {
    return run(pictures_.store(std::make_shared<const std::string>(bytes)));
  }
  fs::path path_of(const std::string& hash) const { return folder_ / "pictures" / hash.substr(0, 2) / hash; }

  tests::TempFolder folder_;
  asio::io_context io_;
  BlockingPool pool_{4, 100};
  PictureStore pictures_{folder_ / "pictures", pool_};
};

TEST_F(PictureFiles, BelongToTheirOwnerAloneAndLieUnderTheirHash) {
  const auto hash = store("abc");
  ASSERT_TRUE(hash) << hash.error().detail;
  EXPECT_EQ(fs::status(path_of(*hash)).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(folder_ / "pictures").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(path_of(*hash).parent_path()).permissions(), fs::perms::owner_all);
  EXPECT_EQ(std::distance(fs::directory_iterator(path_of(*hash).parent_path()), {}), 1)
      << "nothing left over";
  const PictureStore again(folder_ / "pictures", pool_);
}

TEST_F(PictureFiles, ADamagedOneIsSaidAndCanBeStoredAgain) {
  const std::string hash = *store("a picture");
  std::ofstream(path_of(hash)) << "a picturf";
  const auto damaged = run(pictures_.load(hash));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::unavailable);
  EXPECT_THAT(damaged.error().detail, HasSubstr("is damaged"));
  EXPECT_EQ(*store("a picture"), hash);
  EXPECT_EQ(*run(pictures_.load(hash)), "a picture");
}

TEST_F(PictureFiles, TheSameOneFromManyThreadsIsWhole) {
  const std::string bytes(300'000, 'p');
  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < 16; ++i)
    answers.push_back(
        asio::co_spawn(io_, pictures_.store(std::make_shared<const std::string>(bytes)), asio::use_future));
  io_.run();
  for (auto& answer : answers) {
    const auto hash = answer.get();
    ASSERT_TRUE(hash) << hash.error().detail;
    EXPECT_EQ(*run(pictures_.load(*hash)), bytes);
  }
}

TEST_F(PictureFiles, AFolderThatCannotBeWrittenIsUnavailable) {
  fs::remove(folder_ / "pictures");
  std::ofstream(folder_ / "pictures") << "a file";
  EXPECT_EQ(store("abc").error().code, Code::unavailable);
  EXPECT_THROW(PictureStore(folder_ / "none" / "pictures", pool_), std::runtime_error);
}

}  // namespace
}  // namespace market::files
