#pragma once
/// The gate's snapshot as one file, replaced whole. A damaged or missing one is no error: the log has
/// everything.

#include <filesystem>
#include <functional>

#include "ports/snapshot_store.hpp"

namespace market::files {

/// Errors: unavailable, insufficient_storage; the file before stays then.
Result<> write_snapshot_file(const std::filesystem::path& path, std::string_view bytes);
/// None when there is none. Errors: unavailable (cannot be read), internal (damaged; says how).
Result<std::optional<std::string>> read_snapshot_file(const std::filesystem::path& path);

class SnapshotFile final : public SnapshotStore {
 public:
  explicit SnapshotFile(
      std::filesystem::path path, std::function<void(const std::string&)> warn = [](const std::string&) {})
      : path_(std::move(path)), warn_(std::move(warn)) {}
  Result<std::optional<std::string>> load() override;
  Result<> store(const std::string& bytes) override { return write_snapshot_file(path_, bytes); }

 private:
  std::filesystem::path path_;
  std::function<void(const std::string&)> warn_;
};

}  // namespace market::files
