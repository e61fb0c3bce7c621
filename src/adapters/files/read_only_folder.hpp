#pragma once
/// A data folder or a backup that is only looked at: nothing in it is written, so it may be on read-only
/// media. Shuts a server out while it exists, and refuses a running one.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/files/files.hpp"
#include "adapters/files/private_folder.hpp"

namespace market::files {

class ReadOnlyFolder {
 public:
  /// `scratch`: where private copies may lie; empty: the system's folder for temporary files. Throws
  /// std::runtime_error with one line.
  ReadOnlyFolder(std::filesystem::path path, std::filesystem::path scratch);
  ReadOnlyFolder(const ReadOnlyFolder&) = delete;
  ReadOnlyFolder& operator=(const ReadOnlyFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(std::string_view name) const { return path_ / name; }
  bool has(std::string_view name) const;
  /// Of a database: one without bytes counts as missing.
  bool has_database(std::string_view name) const { return has_bytes(file(name)); }

  /// A file to read this database from: its own, when it is whole by itself; else a private copy, together
  /// with what a WAL or a journal beside it holds, which SQLite has yet to bring in. Throws.
  struct Readable {
    std::filesystem::path file;
    bool copied = false;
  };
  Readable database(std::string_view name);
  /// A new file in the private folder for what is made while looking, with room for `bytes`. Throws.
  std::filesystem::path scratch_file(std::string_view name, std::uintmax_t bytes);

 private:
  const std::filesystem::path& private_folder();

  std::filesystem::path path_, scratch_;
  std::optional<PrivateFolder> private_;  ///< What was copied goes with it.
  std::map<std::string, std::filesystem::path, std::less<>> copies_;
  FileDescriptor lock_, log_;
};

/// The name by which SQLite opens a file that nobody changes without writing beside it.
std::string immutable_uri(const std::filesystem::path& file);

}  // namespace market::files
