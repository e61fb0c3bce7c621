#include "services/product/open_pictures.hpp"

#include <gtest/gtest.h>

namespace market::product {
namespace {

using Picture = OpenPictures::Picture;

Picture picture(const char* bytes) {
  return std::make_shared<const std::string>(bytes);
}

TEST(OpenPictures, AreSharedWhileSomebodyReadsThem) {
  OpenPictures pictures;
  EXPECT_EQ(pictures.find("hash 1"), nullptr);
  Picture first = pictures.share("hash 1", picture("bytes"));
  EXPECT_EQ(pictures.find("hash 1"), first);
  EXPECT_EQ(pictures.share("hash 1", picture("bytes")), first) << "loaded twice at once, kept once";
  EXPECT_EQ(pictures.find("hash 2"), nullptr) << "another content is another picture";
  first.reset();
  EXPECT_EQ(pictures.find("hash 1"), nullptr);
  const Picture second = pictures.share("hash 1", picture("bytes"));
  EXPECT_EQ(pictures.find("hash 1"), second);
}

TEST(OpenPictures, ThoseThatNobodyReadsAreForgotten) {
  OpenPictures pictures;
  const Picture kept = pictures.share("kept", picture("bytes"));
  for (int i = 0; i < 1000; ++i) pictures.share(std::to_string(i), picture("bytes"));
  EXPECT_LE(pictures.size(), 128u);
  EXPECT_EQ(pictures.find("kept"), kept);
}

}  // namespace
}  // namespace market::product
