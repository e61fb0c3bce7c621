#include "adapters/files/writer_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <stdexcept>
#include <thread>

namespace market::files {

WriterLock::WriterLock(std::filesystem::path path, Millis wait) : path_(std::move(path)) {
  lock(wait, O_CREAT);
}

void WriterLock::renew() {
  for (const auto& held : held_)
    if (is_still_at(held, path_)) return;
  lock(Millis{0}, 0);
}

void WriterLock::lock(Millis wait, int create) {
  // A database that may not be written is refused where it is opened, with its own words.
  FileDescriptor file(::open(path_.c_str(), O_RDWR | O_CLOEXEC | create, 0600));
  if (!file) file = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw std::runtime_error(file_error("cannot be opened", path_).detail);
  if (const auto given = give_to_folder_owner(path_, file); !given)
    throw std::runtime_error(given.error().detail);
  const auto give_up = std::chrono::steady_clock::now() + wait;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      throw std::runtime_error(file_error("cannot be locked", path_).detail);
    if (std::chrono::steady_clock::now() >= give_up)
      throw std::runtime_error(fmt::format("{} is in use by another process", path_.string()));
    std::this_thread::sleep_for(Millis{10});  // Start-up only, as for the folder's lock.
  }
  held_.push_back(std::move(file));
}

}  // namespace market::files
