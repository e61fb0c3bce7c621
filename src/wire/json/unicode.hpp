#pragma once
/// Text as people see it: is it UTF-8 at all, and is there anything to see in it?

#include <optional>
#include <string_view>

namespace market::wire {

/// Takes the first character off a text that is not empty; nullopt, and nothing taken, when it is none.
std::optional<char32_t> take_character(std::string_view& text);

/// What stands for bytes that are no character.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// At least one character that leaves a mark: no white space, control, format character (zero width, bidi,
/// tags), filler or variation selector. `utf8` must be valid.
bool has_visible_character(std::string_view utf8);

/// No line break (also U+2028 and U+2029), tab or other control, none of Unicode's bidirectional controls,
/// and nothing that is no character (U+FFFE). `utf8` must be valid.
bool is_one_line(std::string_view utf8);

}  // namespace market::wire
