#pragma once
/// How often each reason refused an order; for /metrics. Any thread.

#include <array>
#include <atomic>
#include <cstdint>

#include "base/result.hpp"

namespace market {

class Refusals {
 public:
  static constexpr std::size_t codes = static_cast<std::size_t>(Code::internal) + 1;
  void add(Code code) { counts_[static_cast<std::size_t>(code)].fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t count(Code code) const {
    return counts_[static_cast<std::size_t>(code)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, codes> counts_{};
};

}  // namespace market
