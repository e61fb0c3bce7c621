#pragma once
/// A socket that is closed when nobody takes it.

#include <chrono>
#include <utility>

namespace market::http {

class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&&) = delete;
  ~OwnedFd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Before `socket` is closed: what is unsent then is kept no longer for a peer that takes nothing for so long
/// (tcp(7), TCP_USER_TIMEOUT). The system alone would keep it for minutes, and count it to nobody.
void limit_unsent(int socket, std::chrono::milliseconds longest);
/// It is dropped at once.
void drop_unsent(int socket);

}  // namespace market::http
