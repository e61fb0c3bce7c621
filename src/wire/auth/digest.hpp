#pragma once
/// A short cryptographic hash, for names that a stranger must not be able to make collide.

#include <array>
#include <cstdint>
#include <string_view>

namespace market::wire {

struct Digest128 {
  std::uint64_t hi = 0, lo = 0;
  friend bool operator==(const Digest128&, const Digest128&) = default;
};

/// BLAKE2b with 128 bits. Stored in the log (request keys): it never changes.
Digest128 digest_128(std::string_view bytes);

using DigestKey = std::array<std::uint8_t, 32>;
/// The same with a key that only we have: nobody outside can tell which bytes meet which.
Digest128 keyed_digest_128(const DigestKey& key, std::string_view bytes);

}  // namespace market::wire
