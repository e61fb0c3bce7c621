#pragma once
/// The steady clock as a number, for what is kept in an atomic or compared often.

#include <chrono>
#include <cstdint>

namespace market {

inline std::int64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

/// In whole milliseconds.
inline std::int64_t steady_ms() {
  return steady_ns() / 1'000'000;
}

}  // namespace market
