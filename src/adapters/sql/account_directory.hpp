#pragma once
/// ports/account_directory.hpp on main.db.

#include "ports/account_directory.hpp"
#include "ports/field_cipher.hpp"

namespace market::sql {

class MainDatabase;

class SqlAccountDirectory final : public AccountDirectory {
 public:
  SqlAccountDirectory(MainDatabase& database, const FieldCipher& cipher)
      : database_(database), cipher_(cipher) {}
  Task<std::vector<ListedAccount>> list(AccountQuery query) override;
  Task<ListedAccount> find(UserId id) override;
  Task<std::vector<SessionId>> lock(UserId admin, UserId id, Instant now) override;
  Task<> unlock(UserId admin, UserId id) override;

 private:
  MainDatabase& database_;
  const FieldCipher& cipher_;
};

}  // namespace market::sql
