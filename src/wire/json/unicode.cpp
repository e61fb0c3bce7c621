#include "wire/json/unicode.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace market::wire {
namespace {

struct Span {
  char32_t first, last;
};
/// Categories Zs, Zl, Zp, Cc and Cf of Unicode 15, and what else is blank or joins on to another character:
/// fillers (115F, 3164, FFA0), Braille blank (2800), variation selectors.
constexpr std::array<Span, 31> invisible{
    {{0x0000, 0x0020},   {0x007F, 0x00A0},   {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x0600, 0x0605},
     {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},   {0x08E2, 0x08E2},
     {0x115F, 0x1160},   {0x1680, 0x1680},   {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x2000, 0x200F},
     {0x2028, 0x202F},   {0x205F, 0x206F},   {0x2800, 0x2800},   {0x3000, 0x3000},   {0x3164, 0x3164},
     {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},
     {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
     {0xE0000, 0xE0FFF}}};

bool is_invisible(char32_t character) {
  const auto* const after =
      std::upper_bound(invisible.begin(), invisible.end(), character,
                       [](char32_t wanted, const Span& span) { return wanted < span.first; });
  return after != invisible.begin() && character <= (after - 1)->last;
}

}  // namespace

std::optional<char32_t> take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (size == 0 || lead > 0xF4 || text.size() < size) return std::nullopt;
  char32_t character = size == 1 ? lead : lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    character = character << 6 | (byte & 0x3Fu);
  }
  const bool overlong = (size == 3 && character < 0x800) || (size == 4 && character < 0x10000);
  if (overlong || (character >= 0xD800 && character <= 0xDFFF) || character > 0x10FFFF) return std::nullopt;
  text.remove_prefix(size);
  return character;
}

bool is_utf8(std::string_view text) {
  while (!text.empty())
    if (!take_character(text)) return false;
  return true;
}

bool has_visible_character(std::string_view utf8) {
  while (!utf8.empty()) {
    const auto character = take_character(utf8);
    if (!character) return false;
    if (!is_invisible(*character)) return true;
  }
  return false;
}

bool is_one_line(std::string_view utf8) {
  while (!utf8.empty()) {
    const auto character = take_character(utf8);
    if (!character) return false;
    const char32_t c = *character;
    const bool breaks = (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029;
    const bool turns = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                       (c >= 0x2066 && c <= 0x2069);  // The property Bidi_Control.
    const bool control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
    const bool no_character = (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
    if (breaks || turns || control || no_character) return false;
  }
  return true;
}

}  // namespace market::wire
