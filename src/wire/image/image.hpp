#pragma once
/// Pictures as bytes: PNG, JPEG and WebP, told by their content and decoded whole. The one place that does
/// so.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace market::wire {

/// A phone's or a camera's picture fits (24 million); it is decoded into four bytes a pixel.
inline constexpr std::uint64_t image_pixels_max = 25'000'000;
/// What WebP can express, and far more than any screen shows.
inline constexpr std::uint32_t image_side_max = 16'383;

struct Image {
  std::uint32_t width = 0, height = 0;
  std::string rgba;  ///< Rows from the top, four bytes a pixel, not multiplied by alpha.
};

/// image/png, image/jpeg or image/webp by the first bytes; empty for anything else. A literal.
std::string_view image_type_of(std::string_view bytes);

/// Slow: up to half a second for the largest one; never on an I/O thread.
/// Errors: unsupported_media_type, when it is none of the three; validation, when it is cut, damaged,
/// animated or too large.
Result<Image> decode_image(std::string_view bytes);

}  // namespace market::wire
