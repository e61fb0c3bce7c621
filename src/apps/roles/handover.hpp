#pragma once
/// A restart that refuses no connection: the listening socket outlives the process, either held by systemd
/// (socket activation) or handed to the successor over a Unix socket in the data folder (`serve --takeover`).

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/server/owned_fd.hpp"

namespace market::apps {

/// The listening sockets systemd passed (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)).
std::vector<int> activated_sockets();

/// The hand-over socket's file in the data folder. A store has one server; those without a store may share a
/// folder with it and with each other, and their port tells them apart.
inline constexpr const char* store_handover_socket = "handover.sock";
std::string handover_socket_name(std::string_view role, std::uint16_t port);

/// Throws UsageError with one clear line when nobody can be asked: before anything else is begun.
void expect_handover(const std::string& data_dir, const std::string& name);
/// What the running process has given. It goes on serving until it is told that it need not.
struct Handover {
  std::vector<int> sockets;
  http::OwnedFd giver;
  /// From here on it drains and ends. Throws UsageError with one clear line: it has not waited, and serves
  /// on.
  void confirm() const;
};
/// Asks the process behind that socket for its listening sockets.
/// Throws UsageError with one clear line when there is none.
Handover request_handover(const std::string& data_dir, const std::string& name);

/// As many as one message carries; systemd gives fewer.
inline constexpr std::size_t handed_over_max = 64;

/// So long a successor may take to confirm that it has adopted the sockets.
inline constexpr std::chrono::milliseconds confirm_time_max{5'000};

/// The serving side: gives `listening_fds` to the first successor that asks (same user only) and confirms,
/// and calls `given`. One that dies in between has taken nothing.
class HandoverSocket {
 public:
  /// Throws std::runtime_error. `name`: nobody else may listen there; the data lock or the port sees to that.
  HandoverSocket(const std::string& data_dir, const std::string& name, std::vector<int> listening_fds,
                 std::function<void()> given);
  ~HandoverSocket();

 private:
  void run();
  bool is_confirmed(int successor);
  std::string path_;
  int socket_ = -1;
  int folder_ = -1;
  std::vector<int> listening_fds_;
  int stop_pipe_[2] = {-1, -1};
  std::function<void()> given_;
  bool gone_ = false;  ///< Given away: the file is the successor's.
  std::thread thread_;
};

/// The hand-over socket of a process without a store. Null, and a line in the log, when the folder cannot be
/// written: it serves all the same.
std::unique_ptr<HandoverSocket> offer_handover(const std::string& data_dir, const std::string& name,
                                               std::vector<int> listening_fds, std::function<void()> given);

}  // namespace market::apps
