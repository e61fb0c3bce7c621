#pragma once
/// Waiting for what another thread does.

#include <chrono>
#include <functional>
#include <thread>

#include "base/time.hpp"

namespace market::tests {

/// False: it did not happen in time.
inline bool wait(const std::function<bool()>& happens, Millis limit = Millis(5'000)) {
  using Steady = std::chrono::steady_clock;
  for (const auto end = Steady::now() + limit; Steady::now() < end;
       std::this_thread::sleep_for(std::chrono::milliseconds(1)))
    if (happens()) return true;
  return false;
}

/// False: it happened. For what must not come, where there is nothing to wait for.
inline bool stays_away(const std::function<bool()>& happens, Millis span = Millis(150)) {
  return !wait(happens, span);
}

}  // namespace market::tests
