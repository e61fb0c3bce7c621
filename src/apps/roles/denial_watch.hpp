#pragma once
/// Learns which sessions ended, and which roles changed, at other instances: within a second their access
/// tokens are good nowhere. Rows are asked again and again, as nothing tells of them.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/user/sessions.hpp"

namespace market::apps {

class DenialWatch {
 public:
  explicit DenialWatch(user::Sessions& sessions) : sessions_(sessions), thread_([this] { run(); }) {}
  ~DenialWatch() { stop(); }
  void stop();
  /// How long ago the rows were read last: more than a moment when their database is away, or hangs. Any
  /// thread.
  Millis unread_for() const {
    const auto since = std::chrono::steady_clock::now().time_since_epoch() - read_at_.load();
    return std::chrono::duration_cast<Millis>(since);
  }

 private:
  void run();

  user::Sessions& sessions_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<std::chrono::steady_clock::duration> read_at_{
      std::chrono::steady_clock::now().time_since_epoch()};
  std::thread thread_;
};

}  // namespace market::apps
