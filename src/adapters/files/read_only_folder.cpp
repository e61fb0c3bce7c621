#include "adapters/files/read_only_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace market::files {
namespace {

namespace fs = std::filesystem;

/// Shared: several may look at once. None when there is no such file or it may not be read.
FileDescriptor shared_lock(const fs::path& file, const fs::path& folder) {
  FileDescriptor lock(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!lock) return lock;
  if (::flock(lock.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return lock;
  std::array<char, 32> text{};
  const bool known = file.filename() == "lock" && ::pread(lock.get(), text.data(), text.size() - 1, 0) > 0;
  throw std::runtime_error(
      fmt::format("data folder {} is in use by process {}; stop it, or look at a backup", folder.string(),
                  known ? std::to_string(std::strtol(text.data(), nullptr, 10)) : std::string("unknown")));
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code none;
  const auto size = fs::file_size(file, none);
  return none ? 0 : size;
}

void expect_room(const fs::path& folder, std::uintmax_t bytes) {
  std::error_code error;
  const auto space = fs::space(folder, error);
  if (error) throw std::runtime_error(fmt::format("{}: {}", folder.string(), error.message()));
  if (space.available < bytes)
    throw std::runtime_error(fmt::format(
        "{} has {} MiB free, {} are needed for private copies; name another folder with --scratch",
        folder.string(), space.available >> 20, (bytes >> 20) + 1));
}

}  // namespace

ReadOnlyFolder::ReadOnlyFolder(fs::path path, fs::path scratch)
    : path_(std::move(path)), scratch_(std::move(scratch)) {
  // The log's own lock holds even where `lock` was deleted.
  lock_ = shared_lock(path_ / "lock", path_);
  // Whoever opens a pipe waits for its other end.
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(path_, none))
    if (entry.is_fifo(none))
      throw std::runtime_error(fmt::format("{}: is a pipe, no file", entry.path().string()));
  log_ = shared_lock(path_ / "log.db", path_);
}

bool ReadOnlyFolder::has(std::string_view name) const {
  std::error_code none;
  return fs::exists(path_ / name, none);
}

const fs::path& ReadOnlyFolder::private_folder() {
  if (!private_) private_.emplace(scratch_);
  return private_->path();
}

fs::path ReadOnlyFolder::scratch_file(std::string_view name, std::uintmax_t bytes) {
  const auto& folder = private_folder();
  expect_room(folder, bytes);
  return folder / name;
}

ReadOnlyFolder::Readable ReadOnlyFolder::database(std::string_view name) {
  constexpr std::array<std::string_view, 2> beside{"-wal", "-journal"};
  if (const auto copied = copies_.find(name); copied != copies_.end()) return {copied->second, true};
  const auto file = path_ / name;
  std::uintmax_t more = 0;
  for (const auto ending : beside) more += size_of(file.string() + std::string(ending));
  if (more == 0) return {file, false};
  // What the WAL holds is brought into the copy, which grows by as much.
  const auto copy = scratch_file(name, size_of(file) + 2 * more);
  fs::copy_file(file, copy);
  for (const auto ending : beside) {
    const fs::path from = file.string() + std::string(ending);
    if (size_of(from) > 0) fs::copy_file(from, copy.string() + std::string(ending));
  }
  for (const auto& entry : fs::directory_iterator(private_folder()))
    fs::permissions(entry.path(), fs::perms::owner_read | fs::perms::owner_write);
  copies_.emplace(name, copy);
  return {copy, true};
}

std::string immutable_uri(const fs::path& file) {
  std::string uri = "file:";
  for (const char c : fs::absolute(file).string()) {
    if (c == '%' || c == '?' || c == '#' || c == '"')
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      uri += c;
  }
  return uri + "?immutable=1";
}

}  // namespace market::files
