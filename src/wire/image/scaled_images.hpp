#pragma once
/// Smaller copies of a picture, as pages show them in lists and on phones: WebP, upright, without what a
/// camera wrote beside the pixels (place and time among it).

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace market::wire {

/// Of a small picture in a list to a page's width on a dense screen; in pixels.
inline constexpr std::array<std::uint32_t, 4> scaled_widths{160, 320, 640, 1280};

struct ScaledImage {
  std::uint32_t width = 0;
  std::string webp;
};

/// How a picture is turned to be upright, 1 to 8 as EXIF says; 1: not at all, also where nothing is said or
/// what is said cannot be read. Of JPEG; other kinds are shown as they are.
int orientation_of(std::string_view bytes);

/// How wide it is when upright, by its head alone; 0 where that cannot be read.
std::uint32_t upright_width_of(std::string_view bytes);

/// Of each width below the picture's own, largest first; none of a picture that is small. As slow as
/// decode_image() and some. Errors: those of decode_image(); overloaded (no memory).
Result<std::vector<ScaledImage>> scaled_images(std::string_view bytes);

}  // namespace market::wire
