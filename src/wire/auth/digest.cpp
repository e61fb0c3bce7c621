#include "wire/auth/digest.hpp"

#include <sodium.h>

#include <cstring>

#include "base/check.hpp"

namespace market::wire {

Digest128 digest_128(std::string_view bytes) {
  unsigned char hash[sizeof(Digest128)];
  static_assert(sizeof hash == crypto_generichash_BYTES_MIN);
  check(crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(bytes.data()),
                           bytes.size(), nullptr, 0) == 0,
        "bytes can be hashed");
  Digest128 digest;
  std::memcpy(&digest.hi, hash, sizeof digest.hi);
  std::memcpy(&digest.lo, hash + sizeof digest.hi, sizeof digest.lo);
  return digest;
}

}  // namespace market::wire
