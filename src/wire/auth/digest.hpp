#pragma once
/// A short cryptographic hash, for names that a stranger must not be able to make collide.

#include <cstdint>
#include <string_view>

namespace market::wire {

struct Digest128 {
  std::uint64_t hi = 0, lo = 0;
  friend bool operator==(const Digest128&, const Digest128&) = default;
};

/// BLAKE2b with 128 bits. Stored in the log (request keys): it never changes.
Digest128 digest_128(std::string_view bytes);

}  // namespace market::wire
