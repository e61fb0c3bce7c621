#include "services/gateway/route_state.hpp"

namespace market::gateway {

RouteState::Breaker RouteState::ask(const BreakerSettings& settings, std::int64_t now_ms) {
  if (settings.failure_percent == 0 || !open_.load(std::memory_order_acquire)) return Breaker::closed;
  const std::lock_guard lock(mutex_);
  if (!open_.load(std::memory_order_relaxed)) return Breaker::closed;
  if (probing_ || now_ms < probe_at_ms_) return Breaker::open;
  probing_ = true;
  return Breaker::half_open;
}

void RouteState::report(const BreakerSettings& settings, Breaker asked, bool failed, std::int64_t now_ms) {
  if (settings.failure_percent == 0) return;
  if (asked == Breaker::half_open) {
    const std::lock_guard lock(mutex_);
    probing_ = false;
    probe_at_ms_ = now_ms + settings.open_for.count();
    if (failed) return;
    requests_ = failures_ = 0;
    open_.store(false, std::memory_order_release);
    return;
  }
  // Counts are near enough: two threads at a window's edge may lose a few.
  if (now_ms - window_began_ms_.load(std::memory_order_relaxed) > settings.window.count()) {
    window_began_ms_.store(now_ms, std::memory_order_relaxed);
    requests_.store(0, std::memory_order_relaxed);
    failures_.store(0, std::memory_order_relaxed);
  }
  const auto requests = requests_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (!failed) return;
  const auto failures = failures_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (requests < settings.requests_min || failures * 100 < requests * settings.failure_percent) return;
  const std::lock_guard lock(mutex_);
  if (open_.exchange(true)) return;
  probe_at_ms_ = now_ms + settings.open_for.count();
  probing_ = false;
}

void RouteState::give_back(Breaker asked) {
  if (asked != Breaker::half_open) return;
  const std::lock_guard lock(mutex_);
  probing_ = false;
}

}  // namespace market::gateway
