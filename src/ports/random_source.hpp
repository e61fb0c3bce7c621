#pragma once
/// Randomness for secrets, passed in like everything else from outside.

#include <cstdint>
#include <span>

namespace market {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  /// Fills with unpredictable bytes. Any thread, never blocks.
  virtual void fill(std::span<std::uint8_t> bytes) = 0;
};

}  // namespace market
