#include "wire/image/image.hpp"

#include <gtest/gtest.h>
#include <turbojpeg.h>
#include <webp/encode.h>
#include <zlib.h>

#include <array>
#include <optional>

#include "tests/support/test_pictures.hpp"

namespace market::wire {
namespace {

using tests::png_of;

constexpr std::uint32_t width = 40, height = 30;

/// Colours that differ everywhere, half of them see-through.
std::string pixels() {
  std::string rgba;
  for (std::uint32_t i = 0; i < width * height; ++i)
    for (const std::uint32_t part : {i * 7, i * 13, i / 5, i % 2 * 255})
      rgba += static_cast<char>(part % 256);
  return rgba;
}

std::string jpeg_of(const std::string& rgba, int flags = 0) {
  const tjhandle writer = tjInitCompress();
  unsigned char* out = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(tjCompress2(writer, reinterpret_cast<const unsigned char*>(rgba.data()), width, 0, height,
                        TJPF_RGBA, &out, &size, TJSAMP_444, 90, flags),
            0);
  std::string bytes(reinterpret_cast<const char*>(out), size);
  tjFree(out);
  tjDestroy(writer);
  return bytes;
}

std::string webp_of(const std::string& rgba) {
  std::uint8_t* out = nullptr;
  const auto* in = reinterpret_cast<const std::uint8_t*>(rgba.data());
  const auto size = WebPEncodeLosslessRGBA(in, width, height, width * 4, &out);
  std::string bytes(reinterpret_cast<const char*>(out), size);
  WebPFree(out);
  return bytes;
}

const std::array all{png_of(pixels(), width, height), jpeg_of(pixels()),
                     jpeg_of(pixels(), TJFLAG_PROGRESSIVE), webp_of(pixels())};

std::optional<Code> refusal(const std::string& bytes) {
  const auto image = decode_image(bytes);
  return image ? std::nullopt : std::optional(image.error().code);
}

TEST(Image, IsDecodedToItsPixels) {
  for (const auto& bytes : all) {
    const auto image = decode_image(bytes);
    ASSERT_TRUE(image) << image.error().detail;
    EXPECT_EQ(image->width, width);
    EXPECT_EQ(image->height, height);
    EXPECT_EQ(image->rgba.size(), pixels().size());
  }
  EXPECT_EQ(decode_image(all[0])->rgba, pixels());
}

TEST(Image, IsToldByItsContent) {
  EXPECT_EQ(image_type_of(all[0]), "image/png");
  EXPECT_EQ(image_type_of(all[1]), "image/jpeg");
  EXPECT_EQ(image_type_of(all[3]), "image/webp");
  for (const std::string& other : {std::string(), std::string("GIF89a"), std::string("<svg/>"),
                                   std::string("RIFF....WAVEfmt "), all[0].substr(1)}) {
    EXPECT_EQ(image_type_of(other), "") << other;
    EXPECT_EQ(refusal(other), Code::unsupported_media_type);
  }
}

TEST(Image, CutAnywhereIsRefused) {
  for (const auto& bytes : all)
    for (std::size_t size = 16; size < bytes.size(); ++size)
      ASSERT_TRUE(refusal(bytes.substr(0, size))) << image_type_of(bytes) << " of " << size;
}

TEST(Image, DamagedDataIsRefused) {
  std::string png = all[0];
  png[png.size() / 2] ^= 0x10;
  EXPECT_EQ(refusal(png), Code::validation) << "the checksum of its data says so";
  EXPECT_EQ(refusal(all[0] + "<script>"), Code::validation) << "something is hidden behind its end";
  std::string webp = all[3];
  for (std::size_t at = 40; at < 80; ++at) webp[at] = '\xFF';
  EXPECT_EQ(refusal(webp), Code::validation);
}

/// Its head says how large it is; nothing of it is decoded.
TEST(Image, ABombIsRefusedByItsHead) {
  const auto with_size = [](std::string png, std::uint32_t wide, std::uint32_t high) {
    for (int i = 0; i < 4; ++i) {
      png[16 + static_cast<std::size_t>(i)] = static_cast<char>(wide >> (24 - 8 * i));
      png[20 + static_cast<std::size_t>(i)] = static_cast<char>(high >> (24 - 8 * i));
    }
    const auto sum =
        static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(png.data()) + 12, 17));
    for (int i = 0; i < 4; ++i)
      png[29 + static_cast<std::size_t>(i)] = static_cast<char>(sum >> (24 - 8 * i));
    return png;
  };
  for (const auto& [wide, high] : {std::pair(16'384u, 1u), {5'001u, 5'000u}, {16'383u, 16'383u}}) {
    const auto image = decode_image(with_size(all[0], wide, high));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().extras->fields.front().code, "too_large") << wide;
  }
  EXPECT_EQ(decode_image(with_size(all[0], 5'000, 5'000)).error().extras->fields.front().code, "damaged")
      << "large enough, but its rows are missing";
}

}  // namespace
}  // namespace market::wire
