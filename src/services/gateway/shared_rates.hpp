#pragma once
/// What several gateways allow together: each decides by itself, and settles what it allowed with the others
/// a hundred times a second. Two that were asked at once let through twice for that long; what they let
/// through is owed, so that it evens out.

#include <functional>

#include "base/task_repeater.hpp"
#include "ports/shared_limits.hpp"
#include "services/gateway/rate_limiter.hpp"

namespace market::gateway {

class SharedRates {
 public:
  static constexpr Millis every{10};

  /// All outlive it. `reachable`: whether it is worth asking.
  SharedRates(RateLimiter& limiter, SharedLimits& shared, std::function<bool()> reachable)
      : limiter_(limiter), shared_(shared), reachable_(std::move(reachable)) {
    limiter_.share();
  }
  ~SharedRates() { stop(); }
  void start(const asio::any_io_executor& executor) { task_.start(executor); }
  /// Not on the executor's thread.
  void stop() { task_.stop(); }

  /// Tells what there is to tell, once.
  asio::awaitable<void> tell_others();

 private:
  asio::awaitable<Millis> step();

  RateLimiter& limiter_;
  SharedLimits& shared_;
  const std::function<bool()> reachable_;
  TaskRepeater task_{"sharing rate limits", [this] { return step(); }};
};

}  // namespace market::gateway
