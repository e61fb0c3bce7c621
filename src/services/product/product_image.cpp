#include "services/product/product_image.hpp"

#include "http/message/ascii.hpp"
#include "wire/image/scaled_images.hpp"

namespace market::product {

Result<> expect_image(const http::Request& request) {
  const auto actual = image_type_of(request.body);
  if (actual.empty())
    return fail(Code::unsupported_media_type, "the body must be a PNG, JPEG or WebP picture");
  const auto header = request.header("Content-Type");
  const auto declared = header.substr(0, header.find_first_of("; \t"));
  if (!http::same_letters(declared, actual) && !http::same_letters(declared, "application/octet-stream"))
    return fail(Code::unsupported_media_type, "Content-Type says something else than the picture itself");
  return {};
}

Result<std::uint32_t> image_width_of(const http::Request& request) {
  const auto asked = request.query_parameter("width");
  if (!asked) return fail(asked.error());
  if (!*asked) return 0;
  for (const std::uint32_t width : wire::scaled_widths)
    if (**asked == std::to_string(width)) return width;
  return invalid_field("width", "value", "width must be 160, 320, 640 or 1280");
}

std::string_view image_caching_of(std::string_view hash, const std::optional<std::string>& asked) {
  if (!asked) return "public, max-age=60";
  return *asked == image_version_of(hash) ? "public, max-age=31536000, immutable" : "no-store";
}

}  // namespace market::product
