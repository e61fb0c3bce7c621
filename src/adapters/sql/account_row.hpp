#pragma once
/// How an account is read from main.db, for the files of SqlAccounts. Heavy (includes SOCI).

#include <fmt/format.h>

#include "adapters/sql/instants.hpp"
#include "adapters/sql/main_database.hpp"
#include "ports/accounts.hpp"
#include "ports/field_cipher.hpp"

namespace market::sql {

/// Where a personal value is stored, for the cipher.
inline std::string context_of(std::string_view column, long long user) {
  return fmt::format("accounts.{}.{}", column, user);
}

/// The account by its id. Errors: not_found, internal.
Result<Account> select_account(soci::session& sql, const FieldCipher& cipher, long long id);
/// By FieldCipher::blind_index of its email_key. Errors: as above.
Result<Account> select_account(soci::session& sql, const FieldCipher& cipher, const std::string& email_index);

/// Nobody signs in to an account that an operator has locked.
bool is_locked(soci::session& sql, long long user);

/// That this account is an administrator's, and not locked, within a write. Errors: forbidden, internal.
Result<> expect_admin(soci::session& sql, const FieldCipher& cipher, UserId admin);

/// Accounts::change_password within a write. Errors: not_found, invalid_credentials.
Result<std::vector<SessionId>> change_password(soci::session& sql, const FieldCipher& cipher, long long user,
                                               const PasswordChange& wanted, long long now);

}  // namespace market::sql
