#pragma once
/// The gate's snapshot as one file, replaced whole. A damaged or missing one is no error: the log has
/// everything.

#include <filesystem>
#include <functional>

#include "adapters/files/files.hpp"
#include "base/checksum.hpp"
#include "ports/snapshot_store.hpp"

namespace market::files {

/// None when there is none. Errors: unavailable (cannot be read), internal (damaged; says how).
Result<std::optional<SnapshotBytes>> read_snapshot_file(const std::filesystem::path& path);

class SnapshotFile final : public SnapshotStore {
 public:
  explicit SnapshotFile(
      std::filesystem::path path, std::function<void(const std::string&)> warn = [](const std::string&) {})
      : path_(std::move(path)), warn_(std::move(warn)) {}
  Result<std::optional<SnapshotBytes>> load() override;
  Result<> begin() override;
  Result<> append(std::string_view piece) override;
  Result<> commit() override;

 private:
  std::filesystem::path path_;
  std::optional<DurableFile> file_;
  std::optional<WideChecksum> checksum_;
  std::function<void(const std::string&)> warn_;
};

}  // namespace market::files
