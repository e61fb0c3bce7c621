#pragma once
/// The folder of one embedded store: one process at a time, and the secrets that must outlive it.
///
///   auto folder = DataFolder::open("data");           // throws std::runtime_error with one clear line
///   const auto key = folder.load_or_create_secret("token-signing", 32);

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "adapters/files/files.hpp"
#include "base/time.hpp"

namespace market::files {

/// Ends a backup, which only restore_store() makes a data folder of; open() refuses it.
inline constexpr auto backup_manifest = "manifest.txt";
/// Stands in a data folder while restore_store() fills it; open() refuses such a folder.
inline constexpr auto restore_mark = "restore-unfinished";

/// Stands in a folder until all of a store, or of a market on shared engines, was copied to it; open()
/// refuses such a folder.
inline constexpr auto copy_mark = "copy-unfinished";
/// Throws std::runtime_error when the manifest stands there.
void expect_no_backup(const std::filesystem::path& folder);
/// Throws std::runtime_error when it stands there.
void expect_finished_copy(const std::filesystem::path& folder);
/// The same of both marks.
void expect_finished(const std::filesystem::path& folder);

/// Stands in the folder of an instance whose market is elsewhere, on engines that several share: without the
/// settings that name them it would pass for a store without orders.
inline constexpr auto shared_mark = "shared-market";

/// What a start begins with instead of the whole log.
inline constexpr auto snapshot_name = "gate.snapshot";

/// A check value of each key by the name of its file: tells keys apart and betrays nothing. Throws
/// std::runtime_error.
std::map<std::string, std::string> key_checks(const std::filesystem::path& keys);

class DataFolder {
 public:
  /// Creates it (0700) when absent and locks it for this process. A restart may `wait` for the one before it.
  /// Throws std::runtime_error: `data folder X is in use by process N`.
  /// `keys`: where the secrets are; empty: keys/ in it.
  static DataFolder open(const std::filesystem::path& path, Millis wait = Millis{0},
                         const std::filesystem::path& keys = {});

  /// The same for a restore: a folder that an unfinished one has left may be opened, too.
  static DataFolder open_to_restore(const std::filesystem::path& path);

  /// The process that has it locked now; 0 when none has. Throws std::runtime_error when it cannot be told.
  static long owner(const std::filesystem::path& path);

  /// A file of `bytes` random bytes in keys(), created (0600) when absent. Throws std::runtime_error when the
  /// file is too short, or may be read by others.
  std::string load_or_create_secret(std::string_view name, std::size_t bytes = 32) const;
  /// The same of a key without which `needed_by`, a file of this folder, cannot be read: when that file is
  /// there, the key must be there too. Throws std::runtime_error.
  std::string load_secret_of(std::string_view needed_by, std::string_view name, std::size_t bytes) const;

  const std::filesystem::path& keys() const { return keys_; }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(std::string_view name) const { return path_ / name; }

 private:
  DataFolder(std::filesystem::path path, std::filesystem::path keys, FileDescriptor lock)
      : path_(std::move(path)), keys_(std::move(keys)), lock_(std::move(lock)) {}
  std::filesystem::path path_, keys_;
  FileDescriptor lock_;
};

/// Who has a data folder: a server, beside which accounts may be seeded, or some command that makes the
/// store, or a new key for its rows, and beside which nobody may. Written into the lock that this process
/// holds.
void say_it_is_served(const std::filesystem::path& folder);
/// Whether a server has it locked now. Throws std::runtime_error when that cannot be told, and when another
/// command has it: `data folder X is in use by process N`.
bool is_served(const std::filesystem::path& folder);

}  // namespace market::files
