#pragma once
/// A folder of this process alone, for what is made while looking. It goes with its owner.

#include <filesystem>

namespace market::files {

class PrivateFolder {
 public:
  /// In `where`; empty: the system's folder for temporary files. Throws std::runtime_error with one line.
  explicit PrivateFolder(std::filesystem::path where);
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace market::files
