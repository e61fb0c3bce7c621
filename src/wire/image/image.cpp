#include "wire/image/image.hpp"

#include <fmt/format.h>
#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>

#include <memory>
#include <type_traits>

namespace market::wire {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t pixel_bytes = 4;
/// Of a progressive JPEG; more are a trick that keeps a decoder busy for minutes.
constexpr int jpeg_flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;

const std::uint8_t* data_of(std::string_view bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

tl::unexpected<Error> damaged(std::string_view what) {
  return invalid_field("image", "damaged", fmt::format("the picture is cut or damaged: {}", what));
}

/// Room for its pixels, which are counted before any of them is decoded.
Result<Image> room_for(std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) return damaged("it has no pixels");
  if (width > image_side_max || height > image_side_max || width * height > image_pixels_max)
    return invalid_field(
        "image", "too_large",
        fmt::format("a picture has {} pixels at most, and {} a side", image_pixels_max, image_side_max));
  Image image{static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), {}};
  image.rgba.resize(width * height * pixel_bytes);
  return image;
}

Result<Image> decode_png(std::string_view bytes) {
  // The library stops at the last row; what follows must be the end, and nothing behind it.
  if (!bytes.ends_with("\0\0\0\0IEND\xAE\x42\x60\x82"sv)) return damaged("it does not end as a PNG does");
  png_image reader{};
  reader.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> freed(&reader, png_image_free);
  if (png_image_begin_read_from_memory(&reader, bytes.data(), bytes.size()) == 0)
    return damaged(reader.message);
  auto image = room_for(reader.width, reader.height);
  if (!image) return image;
  reader.format = PNG_FORMAT_RGBA;
  if (png_image_finish_read(&reader, nullptr, image->rgba.data(), 0, nullptr) == 0)
    return damaged(reader.message);
  return image;
}

Result<Image> decode_jpeg(std::string_view bytes) {
  const std::unique_ptr<std::remove_pointer_t<tjhandle>, decltype(&tjDestroy)> reader(tjInitDecompress(),
                                                                                      tjDestroy);
  if (!reader) return fail(Code::overloaded, "no memory for a JPEG decoder");
  int width = 0, height = 0, sampling = 0, colours = 0;
  if (tjDecompressHeader3(reader.get(), data_of(bytes), bytes.size(), &width, &height, &sampling, &colours) !=
      0)
    return damaged(tjGetErrorStr2(reader.get()));
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    return invalid_field("image", "colours",
                         "a JPEG for print (CMYK) looks wrong in browsers: save it as RGB");
  auto image = room_for(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));
  if (!image) return image;
  auto* const pixels = reinterpret_cast<std::uint8_t*>(image->rgba.data());
  if (tjDecompress2(reader.get(), data_of(bytes), bytes.size(), pixels, width, 0, height, TJPF_RGBA,
                    jpeg_flags) != 0)
    return damaged(tjGetErrorStr2(reader.get()));
  return image;
}

Result<Image> decode_webp(std::string_view bytes) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data_of(bytes), bytes.size(), &features) != VP8_STATUS_OK)
    return damaged("its WebP head cannot be read");
  if (features.has_animation != 0)
    return invalid_field("image", "animated", "a product's picture does not move");
  auto image =
      room_for(static_cast<std::uint64_t>(features.width), static_cast<std::uint64_t>(features.height));
  if (!image) return image;
  auto* const pixels = reinterpret_cast<std::uint8_t*>(image->rgba.data());
  if (WebPDecodeRGBAInto(data_of(bytes), bytes.size(), pixels, image->rgba.size(),
                         static_cast<int>(image->width * pixel_bytes)) == nullptr)
    return damaged("its WebP data cannot be decoded");
  return image;
}

}  // namespace

std::string_view image_type_of(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1A\n\0\0\0\rIHDR"sv)) return "image/png";
  if (bytes.starts_with("\xFF\xD8\xFF"sv)) return "image/jpeg";
  if (bytes.size() >= 16 && bytes.starts_with("RIFF") && bytes.substr(8, 7) == "WEBPVP8") return "image/webp";
  return {};
}

Result<Image> decode_image(std::string_view bytes) {
  const auto type = image_type_of(bytes);
  if (type == "image/png") return decode_png(bytes);
  if (type == "image/jpeg") return decode_jpeg(bytes);
  if (type == "image/webp") return decode_webp(bytes);
  return fail(Code::unsupported_media_type, "the body must be a PNG, JPEG or WebP picture");
}

}  // namespace market::wire
