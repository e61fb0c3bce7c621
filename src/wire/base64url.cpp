#include "wire/base64url.hpp"

#include <array>
#include <cstdint>

namespace market::wire {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t foreign = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(foreign);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}
constexpr auto values = make_values();

}  // namespace

std::string encode_base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63];
  return text;
}

std::size_t decode_base64url(std::string_view text, char* out) {
  char* const begin = out;
  std::uint32_t bits = 0;
  std::uint8_t seen = 0;
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint8_t value = values[static_cast<unsigned char>(text[i + k])];
      seen |= value;
      group = group << 6 | value;
    }
    *out++ = static_cast<char>(group >> 16);
    *out++ = static_cast<char>(group >> 8);
    *out++ = static_cast<char>(group);
  }
  const std::size_t rest = text.size() - i;
  for (; i < text.size(); ++i) {
    const std::uint8_t value = values[static_cast<unsigned char>(text[i])];
    seen |= value;
    bits = bits << 6 | value;
  }
  if (rest == 1 || (seen & 0xC0) != 0) return not_base64url;
  if (rest == 2) {
    if ((bits & 15) != 0) return not_base64url;
    *out++ = static_cast<char>(bits >> 4);
  } else if (rest == 3) {
    if ((bits & 3) != 0) return not_base64url;
    *out++ = static_cast<char>(bits >> 10);
    *out++ = static_cast<char>(bits >> 2);
  }
  return static_cast<std::size_t>(out - begin);
}

}  // namespace market::wire
