#pragma once
/// What a route remembers between requests: how many are under way, and whether its service fails. Any
/// thread; kept over a reload of the settings.

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/time.hpp"

namespace market::gateway {

struct BreakerSettings {
  unsigned failure_percent = 50;  ///< 0: no breaker.
  unsigned requests_min = 20;     ///< Fewer in a window prove nothing.
  Millis window{10'000};
  Millis open_for{2'000};  ///< Then one request may try.
};

class RouteState {
 public:
  enum class Breaker : std::uint8_t { closed, open, half_open };
  /// `closed`: may pass. `half_open`: may pass, and decides. `open`: fail at once.
  Breaker ask(const BreakerSettings& settings, std::int64_t now_ms);
  void report(const BreakerSettings& settings, Breaker asked, bool failed, std::int64_t now_ms);
  /// The probe was not carried out: the next one may try.
  void give_back(Breaker asked);
  bool is_open() const { return open_.load(std::memory_order_relaxed); }

  std::atomic<std::int64_t> in_flight{0};
  std::atomic<std::uint64_t> shed{0}, retried{0}, refused_by_breaker{0};

 private:
  std::atomic<bool> open_{false};
  std::atomic<std::uint32_t> requests_{0}, failures_{0};
  std::atomic<std::int64_t> window_began_ms_{0};
  std::mutex mutex_;  ///< Of what follows: only touched while it is open.
  std::int64_t probe_at_ms_ = 0;
  bool probing_ = false;
};

}  // namespace market::gateway
