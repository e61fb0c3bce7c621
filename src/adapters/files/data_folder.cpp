#include "adapters/files/data_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace market::files {
namespace {

constexpr auto lock_name = "lock";

[[noreturn]] void refuse(const Error& error) {
  throw std::runtime_error(error.detail);
}

FileDescriptor open_lock_file(const std::filesystem::path& path) {
  const auto file = path / lock_name;
  FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) refuse(file_error("cannot be opened", file));
  if (const auto given = give_to_folder_owner(file, lock); !given) refuse(given.error());
  return lock;
}

/// flock, not fcntl: it belongs to the descriptor, so no other code of this process can drop it by accident.
bool try_lock(const FileDescriptor& lock, const std::filesystem::path& path) {
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK && errno != EINTR) refuse(file_error("cannot be locked", path / lock_name));
  return false;
}

/// What its owner wrote: a process id, and at the end whether it serves.
constexpr off_t owner_bytes = 24;
constexpr std::string_view serves = "serves\n";

std::string owner_in(const FileDescriptor& lock) {
  std::string text(owner_bytes, '\0');
  const auto got = ::pread(lock.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

long pid_in(const FileDescriptor& lock) {
  return std::strtol(owner_in(lock).c_str(), nullptr, 10);
}

[[noreturn]] void refuse_used(const FileDescriptor& lock, const std::filesystem::path& path) {
  const long pid = pid_in(lock);
  throw std::runtime_error(fmt::format("data folder {} is in use by process {}", path.string(),
                                       pid == 0 ? std::string("unknown") : std::to_string(pid)));
}

/// None: nobody has it.
FileDescriptor lock_of_another(const std::filesystem::path& path) {
  FileDescriptor lock(::open((path / lock_name).c_str(), O_RDWR | O_CLOEXEC));
  if (!lock && errno != ENOENT && errno != ENOTDIR) refuse(file_error("cannot be opened", path / lock_name));
  if (!lock || try_lock(lock, path)) return {};
  return lock;
}

void make_folder_durably(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (const auto made = make_folder(path); !made) refuse(made.error());
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (const auto synced = sync_folder(parent); !synced) refuse(synced.error());
}

FileDescriptor lock_folder(const std::filesystem::path& path, Millis wait) {
  expect_no_backup(path);
  make_folder_durably(path);
  auto lock = open_lock_file(path);
  const auto give_up = std::chrono::steady_clock::now() + wait;
  while (!try_lock(lock, path)) {
    if (std::chrono::steady_clock::now() >= give_up) refuse_used(lock, path);
    std::this_thread::sleep_for(Millis{10});  // Start-up only; the lock has no queue with a deadline.
  }
  // Only for others to read, and of one length: on a full disk it needs no new room, and may fail.
  const auto pid = fmt::format("{:<23}\n", ::getpid());
  [[maybe_unused]] const auto written = ::pwrite(lock.get(), pid.data(), pid.size(), 0);
  return lock;
}

}  // namespace

void expect_no_backup(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / backup_manifest, error))
    throw std::runtime_error(
        fmt::format("{} is a backup; make a data folder of it with 'market restore --from {} --data NEW'",
                    folder.string(), folder.string()));
}

void expect_finished_copy(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / copy_mark, error))
    throw std::runtime_error(
        fmt::format("{} is an unfinished backup; run 'market backup' again", folder.string()));
}

void expect_finished(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / restore_mark, error))
    throw std::runtime_error(fmt::format(
        "data folder {} holds an unfinished restore; run 'market restore' of the same backup again",
        folder.string()));
  expect_finished_copy(folder);
}

DataFolder DataFolder::open(const std::filesystem::path& path, Millis wait,
                            const std::filesystem::path& keys) {
  auto lock = lock_folder(path, wait);
  expect_finished(path);
  return DataFolder(path, keys.empty() ? path / "keys" : keys, std::move(lock));
}

DataFolder DataFolder::open_to_restore(const std::filesystem::path& path) {
  auto lock = lock_folder(path, Millis{0});
  return DataFolder(path, path / "keys", std::move(lock));
}

void say_it_is_served(const std::filesystem::path& folder) {
  const auto lock = open_lock_file(folder);
  [[maybe_unused]] const auto written =
      ::pwrite(lock.get(), serves.data(), serves.size(), owner_bytes - static_cast<off_t>(serves.size()));
}

long DataFolder::owner(const std::filesystem::path& path) {
  const auto lock = lock_of_another(path);
  return lock ? pid_in(lock) : 0;
}

bool is_served(const std::filesystem::path& path) {
  const auto lock = lock_of_another(path);
  if (!lock) return false;
  if (!owner_in(lock).ends_with(serves)) refuse_used(lock, path);
  return true;
}

std::string DataFolder::load_secret_of(std::string_view needed_by, std::string_view name,
                                       std::size_t bytes) const {
  const auto key = keys() / name;
  if (std::filesystem::exists(file(needed_by)) && !std::filesystem::exists(key))
    throw std::runtime_error(
        fmt::format("key file {} is missing, and {} cannot be read without it; put it back from where you "
                    "keep your keys",
                    key.string(), file(needed_by).string()));
  return load_or_create_secret(name, bytes);
}

std::map<std::string, std::string> key_checks(const std::filesystem::path& keys) {
  std::map<std::string, std::string> checks;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(keys, none)) {
    if (!entry.is_regular_file(none) || entry.path().extension() == ".tmp") continue;
    const auto key = read_whole_file(entry.path());
    if (!key) refuse(key.error());
    if (*key)
      checks[entry.path().filename().string()] = sha256_of("market key check\n" + **key).substr(0, 32);
  }
  return checks;
}

std::string DataFolder::load_or_create_secret(std::string_view name, std::size_t bytes) const {
  make_folder_durably(keys_);
  const auto file = keys_ / name;
  auto found = read_key_file(file, bytes);
  if (!found) refuse(found.error());
  if (*found) return std::move(**found);
  // Of several instances with one folder of keys, one makes each key.
  const FileDescriptor alone(::open(keys_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!alone || ::flock(alone.get(), LOCK_EX) != 0) refuse(file_error("cannot be locked", keys_));
  found = read_key_file(file, bytes);
  if (!found) refuse(found.error());
  if (*found) return std::move(**found);
  std::string secret = random_secret(bytes);
  if (const auto written = write_file_durably(file, secret); !written) refuse(written.error());
  return secret;
}

}  // namespace market::files
