#pragma once
/// ports/password_hasher.hpp with libsodium: Argon2id, m=19456 KiB, t=2, p=1 (OWASP Password Storage Cheat
/// Sheet).

#include "base/task_fair_pool.hpp"
#include "ports/password_hasher.hpp"

namespace market::crypto {

class ArgonPasswordHasher final : public PasswordHasher {
 public:
  static constexpr std::size_t waiting_max_default = 64;
  /// Errors: throws std::runtime_error when libsodium cannot start.
  explicit ArgonPasswordHasher(unsigned threads, std::size_t waiting_max = waiting_max_default);
  Task<std::string> hash(std::string password, std::string client) override;
  Task<bool> verify(std::string password, std::string hash, std::string client) override;
  bool is_outdated(const std::string& hash) const override;
  void stop() { pool_.stop(); }

 private:
  FairPool pool_;
  std::string nobody_;  ///< The hash that an unknown account's password is compared with.
};

}  // namespace market::crypto
