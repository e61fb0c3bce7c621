#include "wire/auth/digest.hpp"

#include <sodium.h>

#include <cstring>

#include "base/check.hpp"

namespace market::wire {
namespace {

Digest128 digest_of(std::string_view bytes, const unsigned char* key, std::size_t key_size) {
  unsigned char hash[sizeof(Digest128)];
  static_assert(sizeof hash == crypto_generichash_BYTES_MIN);
  check(crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(bytes.data()),
                           bytes.size(), key, key_size) == 0,
        "bytes can be hashed");
  Digest128 made;
  std::memcpy(&made.hi, hash, sizeof made.hi);
  std::memcpy(&made.lo, hash + sizeof made.hi, sizeof made.lo);
  return made;
}

}  // namespace

Digest128 digest_128(std::string_view bytes) {
  return digest_of(bytes, nullptr, 0);
}

Digest128 keyed_digest_128(const DigestKey& key, std::string_view bytes) {
  return digest_of(bytes, key.data(), key.size());
}

}  // namespace market::wire
