#include "wire/base64url.hpp"

#include <gtest/gtest.h>

namespace market::wire {
namespace {

std::string decoded(std::string_view text) {
  std::string bytes(text.size(), '\0');
  const auto size = decode_base64url(text, bytes.data());
  if (size == not_base64url) return "refused";
  bytes.resize(size);
  return bytes;
}

TEST(Base64url, TheExamplesOfRfc4648WithoutPadding) {
  const std::pair<std::string_view, std::string_view> examples[] = {
      {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : examples) {
    EXPECT_EQ(encode_base64url(plain), text);
    EXPECT_EQ(decoded(text), plain);
  }
  EXPECT_EQ(encode_base64url("\xFB\xFF\xFE"), "-__-");
}

TEST(Base64url, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    EXPECT_EQ(decoded(encode_base64url(bytes)), bytes);
  }
}

TEST(Base64url, RefusesWhatIsNotCanonical) {
  for (const char* text :
       {"Zg==", "Zg=", "Z", "Zm9vY", "Zh", "Zm9", "Zm 9", "Zm9v\n", "Zm+v", "Zm/v", "Zm9v\x80gg"})
    EXPECT_EQ(decoded(text), "refused") << text;
}

}  // namespace
}  // namespace market::wire
