#pragma once
/// A restart that refuses no connection: the listening socket outlives the process, either held by systemd
/// (socket activation) or handed to the successor over a Unix socket in the data folder (`serve --takeover`).

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace market::apps {

/// The listening socket systemd passed (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)), or -1.
int activated_socket();

/// Asks the process that serves `data_dir` for its listening socket; it then drains and ends.
/// Throws UsageError with one clear line when there is none.
int request_handover(const std::string& data_dir);

/// The serving side: gives `listening_fd` to the first successor that asks (same user only) and calls
/// `given`.
class HandoverDoor {
 public:
  HandoverDoor(const std::string& data_dir, int listening_fd, std::function<void()> given);
  ~HandoverDoor();

 private:
  void run();
  std::string path_;
  int door_ = -1;
  int folder_ = -1;
  int listening_fd_;
  int stop_pipe_[2] = {-1, -1};
  std::function<void()> given_;
  std::thread thread_;
};

}  // namespace market::apps
