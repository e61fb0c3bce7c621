#include "wire/image/scaled_images.hpp"

#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <webp/encode.h>

#include <algorithm>
#include <memory>
#include <type_traits>

#include "wire/image/image.hpp"

namespace market::wire {
namespace {

using namespace std::string_view_literals;

constexpr int upright = 1;
constexpr float quality = 80;

/// Numbers of an EXIF block, in the order of bytes that it says; 0 behind its end.
struct ExifBytes {
  std::string_view bytes;
  bool little = false;

  std::uint32_t number(std::size_t at, std::size_t size) const {
    if (at > bytes.size() || bytes.size() - at < size) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t byte = little ? at + size - 1 - i : at + i;
      value = value << 8 | static_cast<std::uint8_t>(bytes[byte]);
    }
    return value;
  }
};

int orientation_in(std::string_view exif) {
  constexpr std::uint32_t orientation_tag = 0x0112;
  constexpr std::size_t entry_bytes = 12;
  const bool little = exif.starts_with("II*\0"sv);
  if (!little && !exif.starts_with("MM\0*"sv)) return upright;
  const ExifBytes tiff{exif, little};
  const std::size_t first = tiff.number(4, 4);
  const std::size_t entries = tiff.number(first, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = first + 2 + i * entry_bytes;
    if (entry > exif.size()) break;
    if (tiff.number(entry, 2) != orientation_tag) continue;
    const auto value = static_cast<int>(tiff.number(entry + 8, 2));
    return value >= 1 && value <= 8 ? value : upright;
  }
  return upright;
}

bool is_on_its_side(int orientation) {
  return orientation >= 5;
}

struct Size {
  std::uint32_t width = 0, height = 0;
};

/// By the head alone; nothing where that cannot be read.
Size size_of(std::string_view bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto type = image_type_of(bytes);
  if (type == "image/png") {
    const ExifBytes head{bytes};
    return {head.number(16, 4), head.number(20, 4)};
  }
  int width = 0, height = 0;
  if (type == "image/webp") {
    if (WebPGetInfo(data, bytes.size(), &width, &height) == 0) return {};
  } else if (type == "image/jpeg") {
    const std::unique_ptr<std::remove_pointer_t<tjhandle>, decltype(&tjDestroy)> reader(tjInitDecompress(),
                                                                                        tjDestroy);
    int sampling = 0, colours = 0;
    if (!reader ||
        tjDecompressHeader3(reader.get(), data, bytes.size(), &width, &height, &sampling, &colours) != 0)
      return {};
  }
  return {static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)};
}

/// A picture of libwebp's, freed in the end.
struct Picture {
  Picture() { WebPPictureInit(&webp); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  ~Picture() { WebPPictureFree(&webp); }
  WebPPicture webp{};
};

tl::unexpected<Error> no_memory() {
  return fail(Code::overloaded, "no memory to make a smaller picture");
}

/// Where the pixel that is shown at (x, y) lies in a picture of this size.
Size source_of(int orientation, Size size, std::uint32_t x, std::uint32_t y) {
  const std::uint32_t right = size.width - 1, bottom = size.height - 1;
  switch (orientation) {
    case 2:
      return {right - x, y};
    case 3:
      return {right - x, bottom - y};
    case 4:
      return {x, bottom - y};
    case 5:
      return {y, x};
    case 6:
      return {y, bottom - x};
    case 7:
      return {right - y, bottom - x};
    case 8:
      return {right - y, x};
    default:
      return {x, y};
  }
}

/// False: no memory.
bool turn(WebPPicture& from, int orientation, WebPPicture& to) {
  if (WebPPictureYUVAToARGB(&from) == 0) return false;
  const Size size{static_cast<std::uint32_t>(from.width), static_cast<std::uint32_t>(from.height)};
  to.use_argb = 1;
  to.width = is_on_its_side(orientation) ? from.height : from.width;
  to.height = is_on_its_side(orientation) ? from.width : from.height;
  if (WebPPictureAlloc(&to) == 0) return false;
  for (int y = 0; y < to.height; ++y)
    for (int x = 0; x < to.width; ++x) {
      const Size at =
          source_of(orientation, size, static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y));
      to.argb[y * to.argb_stride + x] =
          from.argb[static_cast<int>(at.height) * from.argb_stride + static_cast<int>(at.width)];
    }
  return true;
}

Result<std::string> encoded(WebPPicture& picture) {
  WebPConfig config;
  if (WebPConfigInit(&config) == 0) return no_memory();
  config.quality = quality;
  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  const bool done = WebPEncode(&config, &picture) != 0;
  std::string bytes(reinterpret_cast<const char*>(writer.mem), done ? writer.size : 0);
  WebPMemoryWriterClear(&writer);
  if (!done) return no_memory();
  return bytes;
}

Result<std::string> upright_webp(WebPPicture& scaled, int orientation) {
  Picture copy;
  if (WebPPictureCopy(&scaled, &copy.webp) == 0) return no_memory();
  if (orientation == upright) return encoded(copy.webp);
  Picture turned;
  if (!turn(copy.webp, orientation, turned.webp)) return no_memory();
  return encoded(turned.webp);
}

}  // namespace

int orientation_of(std::string_view bytes) {
  if (image_type_of(bytes) != "image/jpeg") return upright;
  const ExifBytes jpeg{bytes};
  // Segments: a mark of two bytes, a length that counts itself; the pixels begin behind FFDA.
  for (std::size_t at = 2; jpeg.number(at, 1) == 0xFF;) {
    const std::uint32_t mark = jpeg.number(at + 1, 1), size = jpeg.number(at + 2, 2);
    if (mark == 0xDA || size < 2 || at + 2 + size > bytes.size()) break;
    const auto segment = bytes.substr(at + 4, size - 2);
    constexpr auto exif = "Exif\0\0"sv;
    if (mark == 0xE1 && segment.starts_with(exif)) return orientation_in(segment.substr(exif.size()));
    at += 2 + size;
  }
  return upright;
}

std::uint32_t upright_width_of(std::string_view bytes) {
  const Size size = size_of(bytes);
  return is_on_its_side(orientation_of(bytes)) ? size.height : size.width;
}

Result<std::vector<ScaledImage>> scaled_images(std::string_view bytes) {
  std::vector<ScaledImage> all;
  const std::uint32_t own_width = upright_width_of(bytes);
  if (own_width <= scaled_widths.front()) return all;
  const int orientation = orientation_of(bytes);
  Picture picture;
  {
    auto image = decode_image(bytes);
    if (!image) return fail(image.error());
    picture.webp.width = static_cast<int>(image->width);
    picture.webp.height = static_cast<int>(image->height);
    const auto* rgba = reinterpret_cast<const std::uint8_t*>(image->rgba.data());
    if (WebPPictureImportRGBA(&picture.webp, rgba, picture.webp.width * 4) == 0) return no_memory();
  }
  // Each from the one before it, the largest first: a quarter of the work, and as sharp.
  for (auto width = scaled_widths.rbegin(); width != scaled_widths.rend(); ++width) {
    if (*width >= own_width) continue;
    const int wanted = static_cast<int>(*width);
    const bool by_height = is_on_its_side(orientation);
    if (WebPPictureRescale(&picture.webp, by_height ? 0 : wanted, by_height ? wanted : 0) == 0)
      return no_memory();
    auto webp = upright_webp(picture.webp, orientation);
    if (!webp) return fail(webp.error());
    all.push_back(ScaledImage{*width, std::move(*webp)});
  }
  return all;
}

}  // namespace market::wire
