#pragma once
/// ports/pictures.hpp as files of a folder: pictures/ab/abcd…, each named by the SHA-256 of its bytes.

#include <filesystem>
#include <mutex>

#include "ports/pictures.hpp"

namespace market::files {

/// A hash comes from a URL: whatever else it may be, it is never part of a path.
bool is_picture_hash(std::string_view text);

class PictureStore final : public Pictures {
 public:
  /// Makes the folder (0700) when it is absent. `pool` is stopped before this ends. Throws
  /// std::runtime_error.
  PictureStore(std::filesystem::path folder, BlockingPool& pool);
  Task<std::string> store(std::shared_ptr<const std::string> bytes) override;
  Task<std::string> load(std::string hash) override;

 private:
  std::filesystem::path path_of(std::string_view hash) const;
  Result<std::string> store_now(const std::string& bytes);
  Result<std::string> load_now(const std::string& hash) const;

  const std::filesystem::path folder_;
  BlockingPool& pool_;
  std::mutex writing_;  ///< One at a time: the same picture twice would share a temporary name.
};

}  // namespace market::files
