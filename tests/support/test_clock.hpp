#pragma once
/// Time that the test moves; any thread.

#include <atomic>

#include "base/time.hpp"

namespace market::tests {

class TestClock final : public Clock {
 public:
  explicit TestClock(Instant start = Instant(Millis(1'800'000'000'000)))
      : millis_(start.time_since_epoch().count()) {}
  Instant now() const override {
    ++looks_;
    return Instant(Millis(millis_.load()));
  }
  int looks() const { return looks_.load(); }  ///< How often somebody has asked.
  void advance(Millis by) { millis_ += by.count(); }

 private:
  std::atomic<std::int64_t> millis_;
  mutable std::atomic<int> looks_{0};
};

}  // namespace market::tests
