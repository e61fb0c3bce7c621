#pragma once
/// Smaller copies of pictures, by the picture's hash and their width. Nothing is lost with them: they can be
/// made anew from the picture.

#include <cstdint>
#include <memory>
#include <string>

#include "base/task.hpp"

namespace market {

class PictureSizes {
 public:
  virtual ~PictureSizes() = default;
  /// Errors: not_found (a damaged one, and a hash that is none, too), overloaded.
  virtual Task<std::string> find(std::string hash, std::uint32_t width) = 0;
  /// Errors: not_found (a hash that is none), unavailable, overloaded, insufficient_storage.
  virtual Task<> keep(std::string hash, std::uint32_t width, std::string bytes) = 0;
};

}  // namespace market
