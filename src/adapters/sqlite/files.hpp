#pragma once
/// Files that must survive a power loss: written beside, synced, renamed, and the folder synced too.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace market::sqlite {

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

/// Replaces `path` by these bytes or leaves it as it was. Errors: unavailable, insufficient_storage.
Result<> write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode = 0600);
/// None when there is no such file. Errors: unavailable.
Result<std::optional<std::string>> read_whole_file(const std::filesystem::path& path);
/// Makes the names in a folder durable. Errors: unavailable.
Result<> sync_folder(const std::filesystem::path& folder);
/// SHA-256 as 64 hexadecimal digits. Errors: unavailable.
Result<std::string> sha256_of_file(const std::filesystem::path& path);
/// `what path: No such file or directory`, from errno; insufficient_storage on a full disk.
Error file_error(std::string_view what, const std::filesystem::path& path);

}  // namespace market::sqlite
