#pragma once
/// Virtual time: a heap of (time, tie, number). What happens at the same millisecond happens in an order that
/// the seed decides. Everything that happens goes into the trace hash.

#include <algorithm>
#include <functional>
#include <vector>

#include "base/time.hpp"
#include "tests/sim/random.hpp"

namespace market::sim {

class Scheduler {
 public:
  using Action = std::function<void()>;
  explicit Scheduler(Random& random) : random_(random) {}

  Instant now() const { return now_; }
  void after(Millis delay, Action action) {
    heap_.push_back(Entry{now_ + delay, random_.next(), ++numbers_, std::move(action)});
    std::push_heap(heap_.begin(), heap_.end());
  }
  /// False when nothing is left to happen.
  bool step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end());
    const Entry entry = std::move(heap_.back());
    heap_.pop_back();
    now_ = entry.at;
    note(entry.number);
    note(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    ++steps_;
    entry.action();
    return true;
  }
  void note(std::uint64_t value) { trace_ = mixed(trace_ ^ value); }
  std::uint64_t trace_hash() const { return trace_; }
  std::uint64_t steps() const { return steps_; }

 private:
  struct Entry {
    Instant at;
    std::uint64_t tie, number;
    Action action;
    bool operator<(const Entry& other) const {  // The earliest on top.
      return std::tie(at, tie, number) > std::tie(other.at, other.tie, other.number);
    }
  };
  Random& random_;
  Instant now_{Millis(1'800'000'000'000)};
  std::vector<Entry> heap_;
  std::uint64_t numbers_ = 0, steps_ = 0, trace_ = 0;
};

}  // namespace market::sim
