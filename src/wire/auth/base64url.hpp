#pragma once
/// base64url without padding (RFC 4648, section 5): tokens, cursors, sealed fields.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace market::wire {

/// Its time depends on the text, which must be no secret that lasts.
std::string encode_base64url(std::string_view bytes);
/// The number of bytes written to `out`. None unless all of `text` is base64url that fits: no padding, no
/// white space, and the unused bits of the last character are zero, so that a value has one text only.
std::optional<std::size_t> decode_base64url(std::string_view text, std::span<unsigned char> out);

}  // namespace market::wire
