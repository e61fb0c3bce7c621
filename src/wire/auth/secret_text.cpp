#include "wire/auth/secret_text.hpp"

#include <sodium.h>

#include <array>

#include "wire/auth/base64url.hpp"

namespace market::wire {

std::string secret_text(std::span<const std::uint8_t> random_bytes) {
  return encode_base64url({reinterpret_cast<const char*>(random_bytes.data()), random_bytes.size()});
}

std::string secret_hash(std::string_view secret) {
  std::array<std::uint8_t, crypto_generichash_BYTES> hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(secret.data()),
                     secret.size(), nullptr, 0);
  return secret_text(hash);
}

std::string derived_secret(const SecretKey& key, std::string_view secret) {
  static_assert(crypto_auth_hmacsha256_KEYBYTES == std::tuple_size_v<SecretKey>);
  std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> mac;
  crypto_auth_hmacsha256(mac.data(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                         key.data());
  return secret_text(mac);
}

}  // namespace market::wire
