#pragma once
/// Checksums against damage, not against an attacker: XXH3 of the xxHash library.

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace market {

inline std::uint64_t checksum(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

/// For the large: 16 bytes, the same on every machine; from one piece or many.
class WideChecksum {
 public:
  WideChecksum() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }
  void add(std::string_view bytes) { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }
  std::array<char, 16> digest() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    std::array<char, 16> digest;
    std::memcpy(digest.data(), canonical.digest, digest.size());
    return digest;
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

}  // namespace market
