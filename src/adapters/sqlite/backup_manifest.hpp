#pragma once
/// manifest.txt, which ends a backup: every file of it with its size and SHA-256.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ports/log.hpp"

namespace market::sqlite {

struct BackupManifest {
  struct Entry {
    std::string name;  ///< Relative, with '/'.
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  Offset log_records = 0;
  std::vector<Entry> entries;
};

/// Durably. Throws std::runtime_error.
void write_manifest(const std::filesystem::path& folder, const BackupManifest& manifest);
/// Of a finished backup of a whole store. Throws std::runtime_error with one line.
BackupManifest read_manifest(const std::filesystem::path& folder);

}  // namespace market::sqlite
