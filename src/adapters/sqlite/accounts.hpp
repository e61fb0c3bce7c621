#pragma once
/// ports/accounts.hpp on main.db; personal values pass through a FieldCipher on their way in and out.

#include "ports/accounts.hpp"
#include "ports/field_cipher.hpp"

namespace market::sqlite {

class MainDatabase;

class SqliteAccounts final : public Accounts {
 public:
  SqliteAccounts(MainDatabase& database, const FieldCipher& cipher, const Clock& clock)
      : database_(database), cipher_(cipher), clock_(clock) {}

  Task<> create(Account account) override;
  /// Many in one transaction, all or none; for `market seed`. Errors: as create().
  Task<> create_all(std::vector<Account> accounts);
  Task<Account> find(UserId id) override;
  Task<Account> find_by_email(std::string email) override;
  Task<Account> update(UserId id, AccountPatch patch) override;
  Task<> set_password_hash(UserId id, std::string hash) override;
  Task<> set_email_verified(UserId id) override;

  Task<> store_verification(UserId id, std::string code_hash, Instant ends_at) override;
  Task<bool> try_verification(UserId id, std::string code_hash, Instant now) override;

  Task<> create_session(Session session) override;
  Task<Session> rotate_session(std::string old_hash, std::string new_hash, Instant now) override;
  Task<std::vector<Session>> sessions(UserId user, Instant now) override;
  Task<std::vector<SessionId>> end_sessions(UserId user, std::optional<SessionId> only,
                                            std::optional<SessionId> except) override;
  Task<std::vector<SessionId>> ended_since(Instant since) override;

 private:
  MainDatabase& database_;
  const FieldCipher& cipher_;
  const Clock& clock_;
};

}  // namespace market::sqlite
