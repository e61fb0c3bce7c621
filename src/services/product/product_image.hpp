#pragma once
/// Pictures of products as they come in and go out: what they are is told by their content alone, and one
/// that cannot be decoded whole is not taken.

#include <string_view>

#include "base/id.hpp"
#include "http/message/message.hpp"
#include "wire/image/image.hpp"
#include "wire/json/product_view.hpp"

namespace market::product {

inline constexpr std::size_t image_bytes_max = 5 * 1024 * 1024;

using wire::image_type_of;

/// Errors: unsupported_media_type, when the body is none of these, or another one than its Content-Type says.
Result<> expect_image(const http::Request& request);

/// How wide the picture shall be, one of wire::scaled_widths; 0: as it was sent. Errors: validation.
Result<std::uint32_t> image_width_of(const http::Request& request);

using wire::image_url_of;
using wire::image_version_of;

/// How long others may keep the picture with `hash` that is answered to `?v=asked`: one under its own version
/// for good, as it never changes; under no version a minute; under another's, which it has replaced, never.
std::string_view image_caching_of(std::string_view hash, const std::optional<std::string>& asked);

}  // namespace market::product
