/// ports/picture_sizes.hpp: what its adapter must keep.
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/files/files.hpp"
#include "adapters/files/picture_sizes.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::contract {
namespace {

class PictureSizesContract : public testing::Test {
 protected:
  ~PictureSizesContract() override { pool_.stop(); }
  TemporaryFolder folder_;
  BlockingPool pool_{1, 100};
  files::PictureSizeStore sizes_{folder_.file("picture-sizes"), pool_};
  const std::string hash_ = files::sha256_of("a picture");
};

TEST_F(PictureSizesContract, KeepsEachWidthByItself) {
  EXPECT_EQ(run(sizes_.find(hash_, 160)).error().code, Code::not_found);
  ASSERT_TRUE(run(sizes_.keep(hash_, 160, "small")));
  ASSERT_TRUE(run(sizes_.keep(hash_, 320, "larger")));
  ASSERT_TRUE(run(sizes_.keep(hash_, 160, "small again")));
  EXPECT_EQ(*run(sizes_.find(hash_, 160)), "small again");
  EXPECT_EQ(*run(sizes_.find(hash_, 320)), "larger");
  EXPECT_EQ(run(sizes_.find(hash_, 640)).error().code, Code::not_found);
}

TEST_F(PictureSizesContract, NoHashBecomesAPath) {
  const std::string up(64, '.');
  for (const std::string& hash : {std::string("../../etc/passwd"), std::string(), up, std::string(64, '/')}) {
    EXPECT_EQ(run(sizes_.find(hash, 160)).error().code, Code::not_found);
    EXPECT_EQ(run(sizes_.keep(hash, 160, "x")).error().code, Code::not_found);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.file("picture-sizes")));
}

TEST_F(PictureSizesContract, ADamagedOneIsNone) {
  ASSERT_TRUE(run(sizes_.keep(hash_, 160, "small")));
  const std::string path =
      folder_.file(("picture-sizes/" + hash_.substr(0, 2) + "/" + hash_ + ".160").c_str());
  for (const std::string damage : {"", "x", "0123456789"}) {
    std::ofstream(path, std::ios::trunc) << damage << std::string(60, 'a');
    EXPECT_EQ(run(sizes_.find(hash_, 160)).error().code, Code::not_found);
  }
}

TEST_F(PictureSizesContract, WhoeverDeletesTheFolderLosesNothing) {
  ASSERT_TRUE(run(sizes_.keep(hash_, 160, "small")));
  std::filesystem::remove_all(folder_.file("picture-sizes"));
  EXPECT_EQ(run(sizes_.find(hash_, 160)).error().code, Code::not_found);
  ASSERT_TRUE(run(sizes_.keep(hash_, 160, "small")));
  EXPECT_EQ(*run(sizes_.find(hash_, 160)), "small");
}

}  // namespace
}  // namespace market::contract
