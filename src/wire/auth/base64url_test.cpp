#include "wire/auth/base64url.hpp"

#include <gtest/gtest.h>

#include <array>

namespace market::wire {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::array<unsigned char, 64> out;
  const auto size = decode_base64url(text, out);
  if (!size) return std::nullopt;
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
}

TEST(Base64Url, WritesWhatTheStandardSays) {  // RFC 4648, section 10, without padding.
  EXPECT_EQ(encode_base64url(""), "");
  EXPECT_EQ(encode_base64url("f"), "Zg");
  EXPECT_EQ(encode_base64url("fo"), "Zm8");
  EXPECT_EQ(encode_base64url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64url("\xfb\xff\xbf"), "-_-_");
}

TEST(Base64Url, ReadsBackEveryByte) {
  std::string bytes;
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(decoded(encode_base64url(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(Base64Url, ReadsOneTextPerValueOnly) {
  for (const auto* other : {"Zg==", "Zh", "Z", "Zm 8", "Zm8\n", "+/+/", "Zm8.", "Zm9vYmFy="})
    EXPECT_EQ(decoded(other), std::nullopt) << other;
}

TEST(Base64Url, RefusesWhatDoesNotFit) {
  EXPECT_EQ(decoded(encode_base64url(std::string(64, 'x'))), std::string(64, 'x'));
  EXPECT_EQ(decoded(encode_base64url(std::string(65, 'x'))), std::nullopt);
}

}  // namespace
}  // namespace market::wire
