#pragma once
/// Learns which sessions ended, and which roles changed, at other instances: within a second their access
/// tokens are good nowhere. Rows are asked again and again, as nothing tells of them.

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

 private:
  void run();

  user::Sessions& sessions_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::apps
