#pragma once
/// Pictures of products as they come in and go out: what they are is told by their content alone.

#include <string_view>

#include "http/message/message.hpp"
#include "ports/product_texts.hpp"

namespace market::product {

inline constexpr std::size_t image_bytes_max = 5 * 1024 * 1024;

/// image/png, image/jpeg or image/webp by the first bytes; empty for anything else. A literal.
std::string_view image_type_of(std::string_view bytes);

/// Errors: unsupported_media_type, when the body is none of these, or another one than its Content-Type says.
Result<ProductImage> read_image(const http::Request& request);

/// Where the picture of `product` is served; changes with its content.
std::string image_url_of(std::string_view product_location, std::string_view bytes);

}  // namespace market::product
