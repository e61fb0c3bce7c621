#pragma once
/// ports/password_hasher.hpp with libsodium: Argon2id, m=19456 KiB, t=2, p=1 (OWASP Password Storage Cheat
/// Sheet).

#include "ports/password_hasher.hpp"

namespace market::crypto {

class ArgonPasswordHasher final : public PasswordHasher {
 public:
  static constexpr int waiting_max_default = 64;
  /// Errors: throws std::runtime_error when libsodium cannot start.
  explicit ArgonPasswordHasher(unsigned threads, int waiting_max = waiting_max_default);
  Task<std::string> hash(std::string password) override;
  Task<bool> verify(std::string password, std::string hash) override;
  bool is_outdated(const std::string& hash) const override;
  void stop() { pool_.stop(); }

 private:
  BlockingPool pool_;
  std::string nobody_;  ///< The hash that an unknown account's password is compared with.
};

}  // namespace market::crypto
