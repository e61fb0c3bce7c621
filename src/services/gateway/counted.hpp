#pragma once
/// One more of something that is under way.

#include <atomic>
#include <cstdint>

namespace market::gateway {

/// Counts one more while it lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::int64_t>& count) : count_(count) {
    count.fetch_add(1, std::memory_order_relaxed);
  }
  ~Counted() { count_.fetch_sub(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;

 private:
  std::atomic<std::int64_t>& count_;
};

}  // namespace market::gateway
