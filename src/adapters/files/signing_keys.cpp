#include "adapters/files/signing_keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "adapters/files/files.hpp"

namespace market::files {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t secret_bytes = 32;
constexpr auto first_id = "k1";

/// Behind `token-signing.`: seconds since 1970, in the one way to write them. Others are not ours: `.tmp`.
std::optional<std::int64_t> second_of(std::string_view ending) {
  std::int64_t second = 0;
  const auto [end, error] = std::from_chars(ending.data(), ending.data() + ending.size(), second);
  if (error != std::errc() || end != ending.data() + ending.size() || second <= 1) return std::nullopt;
  if (std::to_string(second) != ending) return std::nullopt;
  return second;
}

std::int64_t second_of(Instant at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

/// Of a later key, beside the first.
std::optional<std::int64_t> second_of(const fs::path& file, const fs::path& first) {
  const std::string name = file.filename().string(), begin = first.filename().string() + '.';
  return name.starts_with(begin) ? second_of(std::string_view(name).substr(begin.size())) : std::nullopt;
}

fs::path folder_of(const fs::path& first) {
  return first.has_parent_path() ? first.parent_path() : fs::path(".");
}

/// None when it was removed since the folder was read.
std::optional<StoredSigningKey> load(fs::path file, std::string id, std::int64_t second) {
  auto secret = read_key_file(file, secret_bytes);
  if (!secret) throw std::runtime_error(secret.error().detail);
  if (!*secret) return std::nullopt;
  return StoredSigningKey{
      {std::move(id), std::move(**secret)}, std::move(file), Instant(std::chrono::seconds(second))};
}

/// Two commands at once would both make the key of this second.
FileDescriptor lock_folder(const fs::path& folder) {
  FileDescriptor lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0)
    throw std::runtime_error(file_error("cannot be locked", folder).detail);
  return lock;
}

}  // namespace

bool has_signing_keys(const fs::path& first) {
  if (first.empty()) return false;
  std::error_code none;
  if (fs::exists(first, none)) return true;
  const fs::directory_iterator files(folder_of(first), none);
  return std::any_of(begin(files), end(files),
                     [&](const auto& entry) { return second_of(entry.path(), first).has_value(); });
}

std::vector<StoredSigningKey> load_signing_keys(const fs::path& first) {
  std::vector<StoredSigningKey> keys;
  if (auto key = load(first, first_id, 0)) keys.push_back(std::move(*key));
  std::error_code error;
  const auto folder = folder_of(first);
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto second = second_of(entry.path(), first);
    if (!second) continue;
    if (auto key = load(entry.path(), fmt::format("k{}", *second), *second)) keys.push_back(std::move(*key));
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw std::runtime_error(fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
  std::sort(keys.begin(), keys.end(),
            [](const StoredSigningKey& a, const StoredSigningKey& b) { return a.made_at > b.made_at; });
  return keys;
}

std::vector<wire::SigningKey> keys_of(std::vector<StoredSigningKey> stored) {
  std::vector<wire::SigningKey> keys;
  for (auto& one : stored) keys.push_back(std::move(one.key));
  return keys;
}

StoredSigningKey add_signing_key(const fs::path& first, Instant now) {
  const FileDescriptor lock = lock_folder(first.parent_path());
  const auto before = load_signing_keys(first);
  // A clock that was set back must not make a key that is older than the one before it.
  const std::int64_t second =
      std::max(second_of(now), before.empty() ? 0 : second_of(before.front().made_at) + 1);
  StoredSigningKey made;
  made.key = {fmt::format("k{}", second), random_secret(secret_bytes)};
  made.file = first.parent_path() / fmt::format("{}.{}", first.filename().string(), second);
  made.made_at = Instant(std::chrono::seconds(second));
  if (const auto written = write_file_durably(made.file, made.key.secret); !written)
    throw std::runtime_error(written.error().detail);
  return made;
}

void remove_signing_key(const StoredSigningKey& key) {
  if (::unlink(key.file.c_str()) != 0 && errno != ENOENT)
    throw std::runtime_error(file_error("cannot be removed", key.file).detail);
  if (const auto synced = sync_folder(key.file.parent_path()); !synced)
    throw std::runtime_error(synced.error().detail);
}

}  // namespace market::files
