#pragma once
/// ports/random_source.hpp with libsodium.

#include <sodium.h>

#include "ports/random_source.hpp"

namespace market::crypto {

class SodiumRandomSource final : public RandomSource {
 public:
  void fill(std::span<std::uint8_t> bytes) override { randombytes_buf(bytes.data(), bytes.size()); }
};

}  // namespace market::crypto
