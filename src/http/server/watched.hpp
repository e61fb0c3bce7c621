#pragma once
/// A socket in a thread's epoll set: who is told when something happens to it.

#include <cstdint>
#include <limits>

namespace market::http {

class Watched {
 public:
  /// epoll's events, edge-triggered.
  virtual void on_event(std::uint32_t events) = 0;
  virtual void on_deadline() {}
  virtual void on_drain() {}
  /// The drain's time is over.
  virtual void abandon() {}
  /// The ready ones have had their turn: what was held back for one write goes out.
  virtual void flush_held_back() {}
  std::int64_t deadline_ms() const { return deadline_ms_; }

 protected:
  ~Watched() = default;
  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();
  std::int64_t deadline_ms_ = no_deadline;
};

}  // namespace market::http
