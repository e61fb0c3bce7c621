#pragma once
/// Encrypts single values of personal data before they are stored, and makes them findable without showing
/// them.

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace market {

class FieldCipher {
 public:
  virtual ~FieldCipher() = default;
  /// Printable text with the key's id in it; two calls differ. `context` says where it is stored (table,
  /// column and row): moved elsewhere it cannot be decrypted.
  virtual std::string encrypt(std::string_view plain, std::string_view context) const = 0;
  /// Errors: internal (unknown key, other context, or changed).
  virtual Result<std::string> decrypt(std::string_view stored, std::string_view context) const = 0;
  /// The same for equal text, and meaningless without the key; for looking values up.
  virtual std::string blind_index(std::string_view text) const = 0;
};

}  // namespace market
