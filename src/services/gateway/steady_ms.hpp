#pragma once
/// The time by which instances are chosen, rested and probed: milliseconds of the steady clock.

#include <chrono>
#include <cstdint>

namespace market::gateway {

inline std::int64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace market::gateway
