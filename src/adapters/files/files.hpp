#pragma once
/// Files that must survive a power loss: written beside, synced, renamed, and the folder synced too.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace market::files {

/// Closes its descriptor; -1 is none.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Whether `path` still names the file, or folder, that is open: not deleted, moved away or replaced.
bool is_still_at(const FileDescriptor& open, const std::filesystem::path& path);

/// Whether there is anything but an empty file: an empty one is what a deleted database leaves behind whoever
/// opens it again, and what a start that was killed has begun to make.
bool has_bytes(const std::filesystem::path& path);

/// Which file a path names; it changes when the file is deleted, moved away or replaced. One that its owner
/// may not write is none: a file made read-only below us is a wish to stop, even where our descriptor could
/// write.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// A database's file and its WAL, as they were when it had been opened for writing.
class DatabaseFiles {
 public:
  DatabaseFiles() = default;
  explicit DatabaseFiles(std::string path);
  /// False when one of them was deleted, moved away, replaced or made read-only since.
  bool in_place() const;

 private:
  std::string path_, wal_path_;
  FileIdentity file_, wal_;
};

/// A file that replaces another one, whole or not at all: written beside it, synced, renamed. Written by
/// root, it belongs to whom its folder belongs to. Errors of each: unavailable, insufficient_storage.
///
/// A large one comes to the disk, and the one that it replaces leaves it, in steps: what is synced or freed
/// at once holds up all other syncs of that disk meanwhile, those of the event log among them.
class DurableFile {
 public:
  static constexpr std::size_t step_bytes = 8 << 20;

  explicit DurableFile(std::filesystem::path path);
  DurableFile(DurableFile&&) = default;
  DurableFile& operator=(DurableFile&&) = default;
  /// Removes what was not committed.
  ~DurableFile();
  Result<> begin(unsigned mode = 0600);
  Result<> append(std::string_view piece);
  Result<> commit();

 private:
  std::filesystem::path path_, beside_;
  FileDescriptor fd_;
  std::size_t unsynced_ = 0;
};

/// A command that root runs must not leave a file or folder that the server, another user, cannot open.
/// Nothing to do for others than root. `open`: `made`, where it is a file that is open: another that was put
/// in its place meanwhile is given to nobody. Errors: unavailable, insufficient_storage.
Result<> give_to_folder_owner(const std::filesystem::path& made, const FileDescriptor& open = {});

/// Makes a folder for its owner alone, if there is none; one that is there stays as it is. Errors:
/// unavailable, insufficient_storage.
Result<> make_folder(const std::filesystem::path& folder);

/// Makes an empty file for its owner alone, if there is none: SQLite would make it with whatever rights the
/// umask leaves to others, and a WAL has those of its database. One that is there is taken away from others.
void create_for_owner(const std::string& path);

/// Whether a database that is there, its WAL and its index of the WAL can be read and written by this user: a
/// left-over of another user or mode makes SQLite say that the database is read-only, and not which file.
/// Errors: unavailable, with the file's name.
Result<> expect_writable_database(const std::filesystem::path& path);

/// Replaces `path` by these bytes or leaves it as it was. Errors: as above.
Result<> write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode = 0600);
/// None when there is no such file. Errors: unavailable.
Result<std::optional<std::string>> read_whole_file(const std::filesystem::path& path);
/// A file's bytes without a copy of them. Whoever cuts the file meanwhile ends this process (SIGBUS): only
/// for what is replaced whole, as DurableFile does it.
class MappedFile {
 public:
  /// None when there is no such file. Errors: unavailable.
  static Result<std::optional<MappedFile>> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();
  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};
/// A key of at least `bytes_min` that nobody but its owner may read; none when there is no such file.
/// Errors: unavailable (cannot be read), validation (open to others, too short).
Result<std::optional<std::string>> read_key_file(const std::filesystem::path& path, std::size_t bytes_min);
/// Throws std::runtime_error where the system has no random bytes.
std::string random_secret(std::size_t bytes);
/// Makes the names in a folder durable. Errors: unavailable.
Result<> sync_folder(const std::filesystem::path& folder);
/// SHA-256 as 64 hexadecimal digits.
std::string sha256_of(std::string_view bytes);
/// The same of a file's bytes. Errors: unavailable.
Result<std::string> sha256_of_file(const std::filesystem::path& path);
/// `what path: No such file or directory`, from errno; insufficient_storage on a full disk.
Error file_error(std::string_view what, const std::filesystem::path& path);

}  // namespace market::files
