#pragma once
/// ports/account_care.hpp on main.db.

#include "ports/account_care.hpp"
#include "ports/field_cipher.hpp"

namespace market::sql {

class MainDatabase;

class SqlAccountCare final : public AccountCare {
 public:
  SqlAccountCare(MainDatabase& database, const FieldCipher& cipher) : database_(database), cipher_(cipher) {}
  Task<> store_reset(std::string email, VerificationCode code, Instant now) override;
  Task<std::optional<std::vector<SessionId>>> reset_password(std::string email, std::string code,
                                                             std::string hash, Instant now) override;
  Task<std::vector<SessionId>> erase(UserId id, std::int64_t verified_generation, Instant now) override;

 private:
  MainDatabase& database_;
  const FieldCipher& cipher_;
};

}  // namespace market::sql
