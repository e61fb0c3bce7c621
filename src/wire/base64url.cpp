#include "wire/base64url.hpp"

#include <sodium.h>

namespace market::wire {
namespace {
constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}

std::string encode_base64url(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), variant);
  text.pop_back();  // The terminator.
  return text;
}

std::optional<std::size_t> decode_base64url(std::string_view text, std::span<unsigned char> out) {
  const char* end = nullptr;
  std::size_t size = 0;
  const int failed =
      sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, &end, variant);
  if (failed != 0 || end != text.data() + text.size()) return std::nullopt;
  return size;
}

}  // namespace market::wire
