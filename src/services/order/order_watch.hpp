#pragma once
/// Says which orders may have changed, so that an event stream reads its order then alone. While there is no
/// stream, an event costs one look at a count.

#include <array>
#include <atomic>

#include "ports/log_follower.hpp"

namespace market::order {

/// Follows the log behind whoever readers read from: what it has counted can be read.
class OrderWatch final : public LogFollower {
 public:
  /// A stream, while it lives.
  class Watcher {
   public:
    explicit Watcher(OrderWatch& watch) : watch_(watch) { watch_.watchers_.fetch_add(1); }
    Watcher(const Watcher&) = delete;
    ~Watcher() { watch_.watchers_.fetch_sub(1); }

   private:
    OrderWatch& watch_;
  };

  /// Another number than before: the order, or one that shares its place, has changed.
  std::uint32_t changes_of(OrderId order) const { return changes_[place_of(order)].load(); }

  void follow(const CountedEvents& events) override {
    if (watchers_.load() == 0) return;
    for (const CountedEvent& counted : *events)
      if (const OrderId order = order_of(counted.event.fact)) changes_[place_of(order)].fetch_add(1);
  }

 private:
  static constexpr std::size_t places = 4'096;
  static std::size_t place_of(OrderId order) {
    return static_cast<std::uint64_t>(order.value) * 0x9E3779B97F4A7C15ull >> 52;
  }
  std::array<std::atomic<std::uint32_t>, places> changes_{};
  std::atomic<std::int64_t> watchers_{0};
};

}  // namespace market::order
