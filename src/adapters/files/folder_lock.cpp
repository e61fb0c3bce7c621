#include "adapters/files/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <stdexcept>

namespace market::files {

FolderLock::FolderLock(const std::filesystem::path& path, std::string_view what)
    : folder_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!folder_)
    throw std::runtime_error(file_error(fmt::format("the {} cannot be opened", what), path).detail);
  const bool locked = ::flock(folder_.get(), LOCK_EX | LOCK_NB) == 0;
  if (!locked && errno != EWOULDBLOCK && errno != EINTR)
    throw std::runtime_error(file_error(fmt::format("the {} cannot be locked", what), path).detail);
  if (!locked || !is_still_at(folder_, path))
    throw std::runtime_error(fmt::format("{} {} is in use by another process", what, path.string()));
}

}  // namespace market::files
