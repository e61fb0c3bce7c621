#include "wire/auth/base64url.hpp"

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
constexpr auto value_table = make_values();
/// Unchecked on purpose: indexed by a byte, once for each character of every request's token.
constexpr const std::uint8_t* values = value_table.data();

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

std::optional<std::size_t> decode_base64url(std::string_view text, std::span<unsigned char> bytes) {
  const std::size_t size = text.size() / 4 * 3 + (text.size() % 4 * 3) / 4;
  if (size > bytes.size()) return std::nullopt;
  unsigned char* out = bytes.data();
  std::uint32_t seen = 0;
  const auto* in = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t rest = text.size() % 4;
  for (const auto* const whole = in + (text.size() - rest); in != whole; in += 4) {
    const std::uint32_t a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];
    seen |= a | b | c | d;
    const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
    *out++ = static_cast<unsigned char>(group >> 16);
    *out++ = static_cast<unsigned char>(group >> 8);
    *out++ = static_cast<unsigned char>(group);
  }
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < rest; ++i) {
    seen |= values[in[i]];
    bits = bits << 6 | values[in[i]];
  }
  if (rest == 1 || (seen & 0xC0) != 0) return std::nullopt;
  if (rest == 2) {
    if ((bits & 15) != 0) return std::nullopt;
    *out++ = static_cast<unsigned char>(bits >> 4);
  } else if (rest == 3) {
    if ((bits & 3) != 0) return std::nullopt;
    *out++ = static_cast<unsigned char>(bits >> 10);
    *out++ = static_cast<unsigned char>(bits >> 2);
  }
  return size;
}

}  // namespace market::wire
