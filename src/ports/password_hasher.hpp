#pragma once
/// One-way password hashes (Argon2id, m=19456 KiB, t=2, p=1; OWASP), on a bounded pool of their own. `client`
/// is who asks (an address): clients take turns, however many passwords one of them sends.

#include <string>

#include "base/task.hpp"

namespace market {

class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;
  /// A PHC string with a fresh salt. Errors: overloaded.
  virtual Task<std::string> hash(std::string password, std::string client) = 0;
  /// Errors: overloaded. An empty `hash` takes the same time and answers false: an unknown account looks
  /// alike.
  virtual Task<bool> verify(std::string password, std::string hash, std::string client) = 0;
  /// Whether `hash` was made with other costs than hash() takes now. Any thread, never blocks.
  virtual bool is_outdated(const std::string& hash) const = 0;
};

}  // namespace market
