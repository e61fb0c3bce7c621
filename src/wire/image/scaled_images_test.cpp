#include "wire/image/scaled_images.hpp"

#include <gtest/gtest.h>
#include <turbojpeg.h>
#include <webp/encode.h>

#include "wire/image/image.hpp"

namespace market::wire {
namespace {

using namespace std::string_view_literals;

/// Red at the top left, green at the top right, blue at the bottom left, white at the bottom right.
std::string quarters(std::uint32_t width, std::uint32_t height) {
  std::string rgba;
  for (std::uint32_t y = 0; y < height; ++y)
    for (std::uint32_t x = 0; x < width; ++x) {
      const bool right = x * 2 >= width, low = y * 2 >= height;
      rgba += right && !low ? '\0' : low && !right ? '\0' : '\xFF';
      rgba += right ? '\xFF' : '\0';
      rgba += low ? '\xFF' : '\0';
      rgba += '\xFF';
    }
  return rgba;
}

/// `turned`: what its EXIF block says, in either order of bytes.
std::string jpeg_of(std::uint32_t width, std::uint32_t height, int turned = 0, bool little = true) {
  const std::string rgba = quarters(width, height);
  const tjhandle writer = tjInitCompress();
  unsigned char* out = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(tjCompress2(writer, reinterpret_cast<const unsigned char*>(rgba.data()), static_cast<int>(width),
                        0, static_cast<int>(height), TJPF_RGBA, &out, &size, TJSAMP_444, 90, 0),
            0);
  std::string bytes(reinterpret_cast<const char*>(out), size);
  tjFree(out);
  tjDestroy(writer);
  if (turned == 0) return bytes;
  std::string exif("Exif\0\0"sv);
  exif += little ? "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"sv
                 : "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"sv;
  if (little)
    exif += {static_cast<char>(turned), '\0', '\0', '\0'};
  else
    exif += {'\0', static_cast<char>(turned), '\0', '\0'};
  exif += "\0\0\0\0"sv;
  std::string segment = "\xFF\xE1";
  segment += static_cast<char>((exif.size() + 2) >> 8);
  segment += static_cast<char>((exif.size() + 2) & 0xFF);
  return bytes.substr(0, 2) + segment + exif + bytes.substr(2);
}

/// The main colours of the four corners, from the top left, row by row.
std::string corners(const Image& image) {
  std::string found;
  for (const std::uint32_t y : {image.height / 8, image.height * 7 / 8})
    for (const std::uint32_t x : {image.width / 8, image.width * 7 / 8}) {
      const char* at = image.rgba.data() + (std::size_t{y} * image.width + x) * 4;
      const bool red = static_cast<std::uint8_t>(at[0]) > 127, green = static_cast<std::uint8_t>(at[1]) > 127,
                 blue = static_cast<std::uint8_t>(at[2]) > 127;
      found += red && green && blue ? 'w' : red ? 'r' : green ? 'g' : blue ? 'b' : '?';
    }
  return found;
}

TEST(ScaledImages, HaveTheWidthsBelowThePicturesOwn) {
  const auto made = scaled_images(jpeg_of(700, 350));
  ASSERT_TRUE(made);
  std::vector<std::uint32_t> widths;
  for (const ScaledImage& each : *made) {
    widths.push_back(each.width);
    EXPECT_EQ(image_type_of(each.webp), "image/webp");
    const auto image = decode_image(each.webp);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->width, each.width);
    EXPECT_EQ(image->height, each.width / 2);
    EXPECT_EQ(corners(*image), "rgbw");
  }
  EXPECT_EQ(widths, (std::vector<std::uint32_t>{640, 320, 160}));
}

TEST(ScaledImages, ASmallPictureHasNone) {
  EXPECT_TRUE(scaled_images(jpeg_of(160, 100))->empty());
  EXPECT_EQ(upright_width_of(jpeg_of(160, 100)), 160u);
}

TEST(ScaledImages, AreUprightWhateverACameraSays) {
  // What is shown where, by the standard: the corners of the picture as it was written are r g / b w.
  constexpr std::string_view shown[] = {"rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"};
  for (int turned = 1; turned <= 8; ++turned)
    for (const bool little : {true, false}) {
      const std::string jpeg = jpeg_of(400, 240, turned, little);
      EXPECT_EQ(orientation_of(jpeg), turned);
      EXPECT_EQ(upright_width_of(jpeg), turned >= 5 ? 240u : 400u);
      const auto made = scaled_images(jpeg);
      ASSERT_TRUE(made);
      const auto image = decode_image(made->back().webp);
      EXPECT_EQ(image->width, 160u);
      EXPECT_EQ(image->height, turned >= 5 ? 267u : 96u) << turned;
      EXPECT_EQ(corners(*image), shown[turned - 1]) << turned;
    }
}

TEST(ScaledImages, WhatCannotBeReadIsUprightAndNothingIsReadBehindTheEnd) {
  const std::string whole = jpeg_of(400, 240, 6);
  for (std::size_t size = 0; size < 80; ++size) {
    const std::string cut(whole, 0, size);  // Of its own, so that reading behind it shows.
    const int turned = orientation_of(cut);
    EXPECT_TRUE(turned == 1 || turned == 6) << size;
    EXPECT_FALSE(scaled_images(cut) && !scaled_images(cut)->empty());
  }
  for (std::size_t at = 2; at < 50; ++at)
    for (const char wrong : {'\0', '\x7F', '\xFF'}) {
      std::string damaged = whole;
      damaged[at] = wrong;
      const int turned = orientation_of(damaged);
      EXPECT_TRUE(turned >= 1 && turned <= 8) << at;
      (void)upright_width_of(damaged);
    }
}

TEST(ScaledImages, KeepWhatIsSeeThrough) {
  std::string rgba = quarters(400, 400);
  for (std::size_t i = 3; i < rgba.size() / 2; i += 4) rgba[i] = '\0';
  std::uint8_t* out = nullptr;
  const auto size =
      WebPEncodeLosslessRGBA(reinterpret_cast<const std::uint8_t*>(rgba.data()), 400, 400, 1'600, &out);
  const std::string webp(reinterpret_cast<const char*>(out), size);
  WebPFree(out);
  const auto image = decode_image(scaled_images(webp)->back().webp);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->rgba[3], '\0');
  EXPECT_EQ(image->rgba.back(), '\xFF');
}

}  // namespace
}  // namespace market::wire
