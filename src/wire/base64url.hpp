#pragma once
/// base64url without padding (RFC 4648, section 5), strict. Not for secrets: its time depends on the text.

#include <cstddef>
#include <string>
#include <string_view>

namespace market::wire {

std::string encode_base64url(std::string_view bytes);

/// Writes the decoded bytes to `out`, which must have room for 3/4 of the text; answers how many, or npos:
/// refuses padding, white space, foreign characters and unused tail bits that are not zero.
std::size_t decode_base64url(std::string_view text, char* out);
inline constexpr std::size_t not_base64url = static_cast<std::size_t>(-1);

}  // namespace market::wire
