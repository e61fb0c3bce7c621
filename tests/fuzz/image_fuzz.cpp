// Pictures: nothing crashes, and what was taken has as many pixels as it says, within the limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/image/image.hpp"
#include "wire/image/scaled_images.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace market::wire;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const int turned = orientation_of(input); turned < 1 || turned > 8) std::abort();
  (void)upright_width_of(input);
  const auto image = decode_image(input);
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find: a picture with one changed byte is taken for damaged memory.
  if (image && image->width != 24) std::abort();
#endif
  if (!image) return 0;
  if (image_type_of(input).empty()) std::abort();
  const std::uint64_t pixels = std::uint64_t{image->width} * image->height;
  if (pixels == 0 || pixels > image_pixels_max || image->rgba.size() != pixels * 4) std::abort();
  return 0;
}
