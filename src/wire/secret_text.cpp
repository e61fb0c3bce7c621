#include "wire/secret_text.hpp"

#include <sodium.h>

#include <array>

namespace market::wire {

std::string secret_text(std::span<const std::uint8_t> random_bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(random_bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), random_bytes.data(), random_bytes.size(), variant);
  text.pop_back();  // The terminator.
  return text;
}

std::string secret_hash(std::string_view secret) {
  std::array<std::uint8_t, crypto_generichash_BYTES> hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(secret.data()),
                     secret.size(), nullptr, 0);
  return secret_text(hash);
}

}  // namespace market::wire
