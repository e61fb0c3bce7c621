#pragma once
/// Letters and character classes of the HTTP grammar, without locale.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace market::http {

inline constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
inline std::string lower_text(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}
inline constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// 0..15, or -1 when `c` is no hex digit.
inline constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

inline bool same_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}

namespace ascii {
enum : std::uint8_t { token = 1, field = 2, path = 4, query = 8, host = 16 };

inline constexpr std::array<std::uint8_t, 256> classes = [] {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&table](std::string_view letters, int what) {
    for (const char c : letters) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | what);
    }
  };
  for (int c = 0; c < 256; ++c)
    if ((c >= 0x20 && c != 0x7F) || c == '\t') table[static_cast<std::size_t>(c)] = field;
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", token | path | query | host);
  add("!#$%&'*+-.^_`|~", token);             // RFC 9110 5.6.2
  add("-._~!$&'()*+,;=:@/%", path | query);  // RFC 3986 pchar, '/' and the '%' that is checked apart
  add("?", query);
  add("-._~", host);
  return table;
}();

inline bool is(char c, int what) {
  return (classes[static_cast<unsigned char>(c)] & what) != 0;
}
}  // namespace ascii

}  // namespace market::http
