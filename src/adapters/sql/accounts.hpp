#pragma once
/// ports/accounts.hpp on main.db; personal values pass through a FieldCipher on their way in and out.

#include "ports/accounts.hpp"
#include "ports/field_cipher.hpp"

namespace market::sql {

class MainDatabase;

class SqlAccounts final : public Accounts {
 public:
  SqlAccounts(MainDatabase& database, const FieldCipher& cipher, const Clock& clock)
      : database_(database), cipher_(cipher), clock_(clock) {}

  Task<> create(Account account, std::optional<VerificationCode> code) override;
  /// Many in one transaction, all or none; for `market seed`. Errors: as create().
  Task<> create_all(std::vector<Account> accounts);
  Task<Account> find(UserId id) override;
  Task<Account> find_by_email(std::string email) override;
  Task<Account> update(UserId id, AccountPatch patch) override;
  Task<Account> set_role(UserId admin, UserId id, Role role, Instant now) override;
  Task<std::vector<RoleChange>> roles_changed_since(Instant since) override;

  Task<> rehash_password(UserId id, std::int64_t generation, std::string hash) override;
  Task<std::vector<SessionId>> change_password(UserId id, PasswordChange change) override;

  Task<> store_verification(std::string email, VerificationCode code, Instant now) override;
  Task<bool> verify_email(std::string email, std::string code, Instant now) override;

  Task<std::vector<SessionId>> create_session(Session session) override;
  Task<bool> knows_client(UserId user, std::string client) override;
  Task<Rotation> rotate_session(std::string old_hash, std::string new_hash, Instant now) override;
  Task<std::vector<Session>> sessions(UserId user, Instant now, SessionId before, int limit) override;
  Task<std::vector<SessionId>> end_sessions(UserId user, std::optional<SessionId> only) override;
  Task<std::vector<SessionId>> ended_since(Instant since) override;

 private:
  MainDatabase& database_;
  const FieldCipher& cipher_;
  const Clock& clock_;
};

}  // namespace market::sql
