#pragma once
/// What must happen now and then beside serving, on one thread of its own, with an alarm when the wall clock
/// is stepped.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/time.hpp"

namespace market::apps {

class Housekeeping {
 public:
  static constexpr Millis tick{1'000};

  /// `jobs` run at each tick.
  Housekeeping(const SystemClock& clock, std::vector<std::function<void(Instant)>> jobs);
  ~Housekeeping();

  std::uint64_t clock_steps() const { return clock_steps_.load(std::memory_order_relaxed); }

 private:
  void run();
  void watch_clock();

  const SystemClock& clock_;
  const std::vector<std::function<void(Instant)>> jobs_;
  Millis known_step_{0};
  std::atomic<std::uint64_t> clock_steps_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::apps
