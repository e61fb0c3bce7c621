#pragma once
/// A redis-server of one test alone, on a free port and without a file; it ends with the test.
///
///   RedisServer redis({"--requirepass", "secret"});
///   redis.kill();  redis.start();  redis.pause();

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_folder.hpp"

namespace market::tests {

inline std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(probe, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  return ntohs(address.sin_port);
}

class RedisServer {
 public:
  /// `file`: what its settings file says.
  explicit RedisServer(std::vector<std::string> options = {}, bool tls = false, const std::string& file = {})
      : port(free_port()), options_(std::move(options)), tls_(tls) {
    std::ofstream(folder.path() / "redis.conf") << file;
    start();
  }
  ~RedisServer() { kill(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// On the same port as before, empty. Waits until it listens.
  void start() {
    const auto number = std::to_string(port);
    std::vector<std::string> words{"redis-server", (folder.path() / "redis.conf").string()};
    words.insert(words.end(), {tls_ ? "--tls-port" : "--port", number, "--bind", "127.0.0.1", "--save", "",
                               "--appendonly", "no", "--dir", folder.path().string()});
    if (tls_) words.insert(words.end(), {"--port", "0"});
    words.insert(words.end(), options_.begin(), options_.end());
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int nowhere = ::open("/dev/null", O_RDWR);
      ::dup2(nowhere, 1);
      ::dup2(nowhere, 2);
      std::vector<char*> arguments;
      for (auto& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execvp("redis-server", arguments.data());
      ::_exit(127);
    }
    for (int i = 0; i < 500 && !listens(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void pause() { ::kill(pid_, SIGSTOP); }
  void go_on() { ::kill(pid_, SIGCONT); }

  TempFolder folder;
  const std::uint16_t port;

 private:
  bool listens() const {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool open = ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    return open;
  }
  std::vector<std::string> options_;
  const bool tls_;
  pid_t pid_ = -1;
};

}  // namespace market::tests
