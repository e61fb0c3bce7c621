#pragma once
/// Pictures by the SHA-256 of their bytes; stored before the event that names them, never changed.

#include <memory>
#include <string>

#include "base/task.hpp"

namespace market {

class Pictures {
 public:
  virtual ~Pictures() = default;
  /// Stores it durably and answers its hash, 64 hexadecimal digits; the same bytes twice are fine.
  /// Errors: unavailable, overloaded, insufficient_storage.
  virtual Task<std::string> store(std::shared_ptr<const std::string> bytes) = 0;
  /// Errors: not_found (also a hash that is none), unavailable (also a damaged one), overloaded.
  virtual Task<std::string> load(std::string hash) = 0;
};

}  // namespace market
