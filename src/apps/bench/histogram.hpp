#pragma once
/// Latencies in logarithmic buckets: 64 per power of two, so that a percentile is at most 1.6 % too high, for
/// any number of samples in constant memory.

#include <array>
#include <chrono>
#include <cstdint>

namespace market::apps::load {

class Histogram {
 public:
  using Duration = std::chrono::nanoseconds;

  void add(Duration latency);
  void add(const Histogram& other);

  std::uint64_t count() const { return count_; }
  Duration max() const { return max_; }
  Duration mean() const;
  /// The upper end of the bucket in which the sample of rank ceil(share * count) lies; 0 < share <= 1.
  Duration percentile(double share) const;

 private:
  static constexpr unsigned sub_bits = 6;
  static constexpr std::size_t buckets = (64 - sub_bits + 1) << sub_bits;
  static std::size_t index_of(std::uint64_t value);
  static std::uint64_t upper_end(std::size_t index);

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
  Duration max_{0};
};

}  // namespace market::apps::load
