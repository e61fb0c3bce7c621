#pragma once
/// ports/picture_sizes.hpp as files of a folder: picture-sizes/ab/abcd….320, each with the SHA-256 of its
/// bytes before them. The folder may be deleted at any time; no backup has it.

#include <filesystem>
#include <mutex>

#include "ports/picture_sizes.hpp"

namespace market::files {

class PictureSizeStore final : public PictureSizes {
 public:
  /// Makes the folder (0700) with the first file. `pool` is stopped before this ends.
  PictureSizeStore(std::filesystem::path folder, BlockingPool& pool)
      : folder_(std::move(folder)), pool_(pool) {}
  Task<std::string> find(std::string hash, std::uint32_t width) override;
  Task<> keep(std::string hash, std::uint32_t width, std::string bytes) override;

 private:
  std::filesystem::path path_of(const std::string& hash, std::uint32_t width) const;
  Result<> keep_now(const std::string& hash, std::uint32_t width, const std::string& bytes);

  const std::filesystem::path folder_;
  BlockingPool& pool_;
  std::mutex writing_;  ///< One at a time: the same copy twice would share a temporary name.
};

}  // namespace market::files
