#pragma once
/// How long something took, in steps that Prometheus can add up. One thread writes, any thread reads.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace market::sale {

class TimeHistogram {
 public:
  using Nanoseconds = std::chrono::nanoseconds;
  static constexpr std::array<double, 14> ends{0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                               0.05,   0.1,    0.25,  0.5,    1,     2.5,  5};
  void add(Nanoseconds took) {
    const double seconds = std::chrono::duration<double>(took).count();
    const auto end = std::lower_bound(ends.begin(), ends.end(), seconds) - ends.begin();
    raise(counts_[static_cast<std::size_t>(end)], 1);
    raise(nanoseconds_, static_cast<std::uint64_t>(std::max<std::int64_t>(0, took.count())));
  }
  /// How many took no longer than each of `ends`; last: all.
  std::vector<std::uint64_t> at_most() const {
    std::vector<std::uint64_t> sums;
    std::uint64_t sum = 0;
    for (const auto& count : counts_) sums.push_back(sum += count.load(std::memory_order_relaxed));
    return sums;
  }
  double seconds() const { return static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) / 1e9; }

 private:
  static void raise(std::atomic<std::uint64_t>& number, std::uint64_t by) {
    number.store(number.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::array<std::atomic<std::uint64_t>, ends.size() + 1> counts_{};
  std::atomic<std::uint64_t> nanoseconds_{0};
};

}  // namespace market::sale
