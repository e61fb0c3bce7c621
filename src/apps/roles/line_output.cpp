#include "apps/roles/line_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace market::apps {

LineOutput::LineOutput(int fd) : fd_(fd) {
  struct stat what {};
  if (::fstat(fd, &what) != 0) return;
  if (S_ISSOCK(what.st_mode)) {
    way_ = Way::socket;
  } else if (S_ISFIFO(what.st_mode) || S_ISCHR(what.st_mode)) {
    const auto path = fmt::format("/proc/self/fd/{}", fd);
    const int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own < 0) return;
    fd_ = own;
    way_ = Way::own;
  }
}

LineOutput::~LineOutput() {
  if (way_ == Way::own) ::close(fd_);
}

LineOutput::Outcome LineOutput::write(std::string_view& text, Millis patience) {
  while (!text.empty()) {
    pollfd waiting{fd_, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(patience.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Outcome::failed;
    if (ready == 0) return Outcome::blocked;
    // A pipe that is ready takes so much without blocking, whatever its mode.
    const auto bytes = way_ == Way::polled ? std::min<std::size_t>(text.size(), PIPE_BUF) : text.size();
    const auto count = way_ == Way::socket ? ::send(fd_, text.data(), bytes, MSG_DONTWAIT | MSG_NOSIGNAL)
                                           : ::write(fd_, text.data(), bytes);
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (count == 0) {
      return Outcome::failed;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      // Ready, and yet too full for this: a reader that takes a byte now and then.
      timespec moment{0, 10'000'000};
      ::nanosleep(&moment, nullptr);
      if ((patience -= Millis(10)) <= Millis(0)) return Outcome::blocked;
    } else if (errno != EINTR) {
      return Outcome::failed;
    }
  }
  return Outcome::written;
}

void print_patiently(int fd, std::string_view line) {
  LineOutput(fd).write(line, Millis(1'000));
}

void open_standard_files() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", O_RDWR);  // Takes the lowest free number: this one.
}

}  // namespace market::apps
