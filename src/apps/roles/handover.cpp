#include "apps/roles/handover.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "apps/settings/settings.hpp"

namespace market::apps {
namespace {

/// Through /proc, because a data folder's own path may be longer than a socket address allows.
sockaddr_un address_in(int folder, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, name.c_str());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

constexpr std::size_t fds_bytes_max = handed_over_max * sizeof(int);

bool send_fds(int peer, const std::vector<int>& fds) {
  char byte = 'L';
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(fds_bytes_max)] = {};
  const std::size_t bytes = std::min(fds.size(), handed_over_max) * sizeof(int);
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(header), fds.data(), bytes);
  return ::sendmsg(peer, &message, MSG_NOSIGNAL) == 1;
}

std::vector<int> receive_fds(int peer) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(fds_bytes_max)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(peer, &message, MSG_CMSG_CLOEXEC) != 1) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len < CMSG_LEN(sizeof(int))) return {};
  std::vector<int> fds((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  std::memcpy(fds.data(), CMSG_DATA(header), fds.size() * sizeof(int));
  return fds;
}

bool same_user(int peer) {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == ::geteuid();
}

}  // namespace

std::vector<int> activated_sockets() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (!pid || !count || std::atol(pid) != ::getpid()) return {};
  constexpr int first = 3;  // SD_LISTEN_FDS_START.
  std::vector<int> sockets;
  for (int fd = first; fd < first + std::atoi(count); ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets.push_back(fd);
  }
  return sockets;
}

std::string handover_socket_name(std::string_view role, std::uint16_t port) {
  return fmt::format("handover-{}-{}.sock", role, port);
}

void expect_handover(const std::string& data_dir, const std::string& name) {
  if (::access((data_dir + "/" + name).c_str(), F_OK) != 0)
    throw UsageError(fmt::format(
        "--takeover: no running server hands over its socket in '{}' ({} is missing)", data_dir, name));
}

Handover request_handover(const std::string& data_dir, const std::string& name) {
  const http::OwnedFd folder(::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Handover given{{}, http::OwnedFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  const int peer = given.giver.get();
  const sockaddr_un address = address_in(folder.get(), name);
  if (folder.get() >= 0 && ::connect(peer, generic(address), sizeof address) == 0)
    given.sockets = receive_fds(peer);
  if (given.sockets.empty())
    throw UsageError(fmt::format("--takeover: no running server hands over its socket in '{}'", data_dir));
  return given;
}

void Handover::confirm() const {
  if (::send(giver.get(), "A", 1, MSG_NOSIGNAL) != 1)
    throw UsageError("--takeover: the running server did not wait; it goes on serving");
}

HandoverSocket::HandoverSocket(const std::string& data_dir, const std::string& name,
                               std::vector<int> listening_fds, std::function<void()> given)
    : path_(data_dir + "/" + name), listening_fds_(std::move(listening_fds)), given_(std::move(given)) {
  folder_ = ::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::unlink(path_.c_str());  // A left-over of a killed process, or of the one whose place we take.
  const sockaddr_un address = address_in(folder_, name);
  if (::bind(socket_, generic(address), sizeof address) != 0 || ::chmod(path_.c_str(), 0600) != 0 ||
      ::listen(socket_, 4) != 0 || ::pipe2(stop_pipe_, O_CLOEXEC) != 0)
    throw std::runtime_error(fmt::format("cannot make '{}': {}", path_, std::strerror(errno)));
  thread_ = std::thread([this] { run(); });
}

HandoverSocket::~HandoverSocket() {
  if (::write(stop_pipe_[1], "x", 1) != 1) spdlog::warn("the hand-over socket cannot be told to close");
  thread_.join();
  if (!gone_) ::unlink(path_.c_str());
  for (const int fd : {socket_, folder_, stop_pipe_[0], stop_pipe_[1]}) ::close(fd);
}

void HandoverSocket::run() {
  while (true) {
    pollfd waiting[2] = {{socket_, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if ((waiting[0].revents & POLLIN) == 0) continue;
    const http::OwnedFd peer(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC));
    if (peer.get() < 0 || !same_user(peer.get()) || !send_fds(peer.get(), listening_fds_)) continue;
    if (!is_confirmed(peer.get())) {
      spdlog::warn("--takeover: a successor got the sockets and did not take over; this process serves on");
      continue;
    }
    gone_ = true;
    given_();
    return;  // One successor only.
  }
}

bool HandoverSocket::is_confirmed(int successor) {
  pollfd waiting[2] = {{successor, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
  while (::poll(waiting, 2, static_cast<int>(confirm_time_max.count())) < 0 && errno == EINTR) {
  }
  // From here on it cannot confirm any more, and learns so: one of the two serves, whatever the moment.
  ::shutdown(successor, SHUT_RD);
  char byte = 0;
  return ::recv(successor, &byte, 1, MSG_DONTWAIT) == 1;
}

std::unique_ptr<HandoverSocket> offer_handover(const std::string& data_dir, const std::string& name,
                                               std::vector<int> listening_fds, std::function<void()> given) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(data_dir, error);
  if (made) std::filesystem::permissions(data_dir, std::filesystem::perms::owner_all, error);
  try {
    return std::make_unique<HandoverSocket>(data_dir, name, std::move(listening_fds), std::move(given));
  } catch (const std::runtime_error& trouble) {
    spdlog::warn("--takeover will not find this process: {}", trouble.what());
    return nullptr;
  }
}

}  // namespace market::apps
