#pragma once
/// Units by a key of 52 bits, in 8 bytes each: a table that is always three quarters full, once it is large.
///
/// Cells stand in the order of their mixed keys, each at the place that its key points to or behind it with
/// no free cell between (linear probing, ordered): a search ends at the first greater key, and growing is one
/// copy from front to back, by an eighth, where a table that doubles leaves half of itself empty.

#include <cstdint>
#include <vector>

namespace market {

class PackedUnits {
 public:
  static constexpr int key_bits = 52;
  static constexpr int unit_bits = 64 - key_bits;

  /// 0: none.
  std::uint32_t find(std::uint64_t key) const {
    if (homes_ == 0) return 0;
    const std::uint64_t mixed = mix(key);
    const std::uint64_t cell = cells_[position(mixed)];
    return mixed_of(cell) == mixed ? static_cast<std::uint32_t>(cell & units_mask) : 0;
  }
  /// 0 units: none.
  void set(std::uint64_t key, std::uint32_t units);
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return cells_.capacity() * sizeof(std::uint64_t); }
  template <class Each>
  void for_each(Each each) const {
    for (const std::uint64_t cell : cells_)
      if (cell != 0) each(unmix(mixed_of(cell)), static_cast<std::uint32_t>(cell & units_mask));
  }

 private:
  static constexpr std::uint64_t key_mask = (std::uint64_t{1} << key_bits) - 1;
  static constexpr std::uint64_t units_mask = (std::uint64_t{1} << unit_bits) - 1;
  // Mixing is one to one, so that the mixed key is all that is kept.
  static constexpr std::uint64_t factor = 0xE3779B97F4A7D;
  static constexpr std::uint64_t inverse_of(std::uint64_t odd) {
    std::uint64_t inverse = odd;  // Right in 3 bits; each round doubles them.
    for (int round = 0; round < 5; ++round) inverse *= 2 - odd * inverse;
    return inverse & key_mask;
  }
  static std::uint64_t fold(std::uint64_t key) { return key ^ (key >> (key_bits / 2)); }
  static std::uint64_t mix(std::uint64_t key) { return fold(fold(key) * factor & key_mask); }
  static std::uint64_t unmix(std::uint64_t mixed) {
    return fold(fold(mixed) * inverse_of(factor) & key_mask);
  }
  static std::uint64_t mixed_of(std::uint64_t cell) { return cell >> unit_bits; }

  std::size_t home(std::uint64_t mixed) const { return (mixed >> (key_bits - 32)) * homes_ >> 32; }
  /// The first cell at or behind the key's home that is free or whose key is no smaller.
  std::size_t position(std::uint64_t mixed) const {
    std::size_t at = home(mixed);
    while (cells_[at] != 0 && mixed_of(cells_[at]) < mixed) ++at;
    return at;
  }
  void insert(std::uint64_t cell);
  void erase(std::size_t at);
  void grow();

  std::vector<std::uint64_t> cells_;  ///< 0: free, as the last one always is.
  std::uint32_t homes_ = 0;           ///< Cells that keys point to; a few more take what is pushed back.
  std::uint32_t count_ = 0;
};

}  // namespace market
