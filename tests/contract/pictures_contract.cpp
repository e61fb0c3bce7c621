/// ports/pictures.hpp: what every adapter must keep.
#include <gtest/gtest.h>

#include "adapters/files/picture_store.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

class PicturesContract : public testing::Test {
 protected:
  ~PicturesContract() override { pool_.stop(); }
  Result<std::string> store(std::string bytes) {
    return run(pictures_.store(std::make_shared<const std::string>(std::move(bytes))));
  }
  TemporaryFolder folder_;
  BlockingPool pool_{2, 100};
  files::PictureStore pictures_{folder_.file("pictures"), pool_};
};

TEST_F(PicturesContract, APictureComesBackByteForByteByItsHash) {
  std::string bytes("\x89PNG\0\xFF'", 7);
  bytes.append(5 * 1024 * 1024, '\0');
  const auto hash = store(bytes);
  ASSERT_TRUE(hash) << hash.error().detail;
  EXPECT_EQ(hash->size(), 64u);
  EXPECT_EQ(*store(bytes), *hash) << "the same twice is the same picture";
  const auto found = run(pictures_.load(*hash));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_TRUE(*found == bytes);
  EXPECT_EQ(*store("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(*run(pictures_.load(*hash)), bytes);
}

TEST_F(PicturesContract, WhatIsNoHashOrUnknownIsNotFound) {
  const std::string hash = *store("abc");
  std::string upper = hash;
  upper[0] = 'B';
  for (const auto& asked : {std::string(), std::string(64, '0'), hash.substr(1), hash + '0', upper,
                            "../" + hash.substr(3), std::string(62, '.') + "//", std::string(64, '\0')}) {
    const auto found = run(pictures_.load(asked));
    ASSERT_FALSE(found) << asked;
    EXPECT_EQ(found.error().code, Code::not_found) << asked;
  }
}

}  // namespace
}  // namespace market::contract
