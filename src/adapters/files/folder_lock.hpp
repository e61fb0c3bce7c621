#pragma once
/// A folder that is filled by this process alone. The lock is on the folder itself, so that it leaves nothing
/// in it, and ends with the process, however that ends.

#include <filesystem>

#include "adapters/files/files.hpp"

namespace market::files {

class FolderLock {
 public:
  /// Of a folder that is there. Throws std::runtime_error: `what PATH is in use by another process`, also
  /// when that one has just taken the folder away.
  FolderLock(const std::filesystem::path& path, std::string_view what);

 private:
  FileDescriptor folder_;
};

}  // namespace market::files
