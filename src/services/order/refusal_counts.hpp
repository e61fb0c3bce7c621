#pragma once
/// How often each reason refused an order; for /metrics. Any thread.

#include <array>
#include <atomic>
#include <cstdint>

#include "base/result.hpp"

namespace market::order {

class RefusalCounts {
 public:
  static constexpr std::size_t codes = static_cast<std::size_t>(last_code) + 1;

  void add(Code code) {
    own_counts()[static_cast<std::size_t>(code)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t count(Code code) const {
    std::uint64_t sum = 0;
    for (const auto& part : parts_)
      sum += part.counts[static_cast<std::size_t>(code)].load(std::memory_order_relaxed);
    return sum;
  }

 private:
  using Counts = std::array<std::atomic<std::uint64_t>, codes>;
  /// Threads count apart: after the last unit, every request passes here.
  static constexpr std::size_t part_count = 16;
  struct alignas(64) Part {
    Counts counts{};
  };
  Counts& own_counts() {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t part = threads.fetch_add(1, std::memory_order_relaxed) % part_count;
    return parts_[part].counts;
  }

  std::array<Part, part_count> parts_;
};

}  // namespace market::order
