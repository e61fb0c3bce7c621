#pragma once
/// Small things that texts of all kinds need.

#include <string>
#include <string_view>

namespace market {

/// Without white space at both ends; `blanks`: what counts as such (default: RFC 9110's OWS).
inline std::string_view trimmed(std::string_view text, std::string_view blanks = " \t") {
  while (!text.empty() && blanks.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  while (!text.empty() && blanks.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

/// The first bytes of what a stranger sent, as one line of printable ASCII: '?' for all that is none.
inline std::string printable(std::string_view bytes, std::size_t bytes_max) {
  std::string line(bytes.substr(0, bytes_max));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  return line;
}

/// Two lower-case digits a byte.
inline std::string to_hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace market
