#pragma once
/// A keyed sum in every row that decides who somebody is and what they may do: a bit that flipped, or a role
/// that was written past the market, is found (docs/decisions/0025-rows-carry-a-keyed-sum.md). In main.db
/// triggers keep it up to date; elsewhere whoever changes such a row seals it. Heavy (includes SOCI), for
/// .cpp files.

#include <soci/soci.h>

#include <optional>
#include <string>
#include <vector>

#include "ports/field_cipher.hpp"

namespace market::sql {

/// A value as SQL shows it as text; none: NULL.
using RowValues = std::vector<std::optional<std::string>>;
/// Each value with its length before it: no two rows give the same bytes. The first names the table, so that
/// no row passes for another's.
std::string row_mac(const FieldCipher& cipher, const RowValues& values);

/// What the sum of an account covers, as columns of a SELECT and as values.
inline constexpr const char* account_sum_columns =
    "id, email_index, role, email_verified, password_hash, password_generation, role_changed_at";
struct AccountSum {
  long long id = 0, generation = 0, role_changed_at = 0;
  int verified = 0;
  std::string email_index, role, password_hash;
  soci::indicator role_changed_state = soci::i_null;
  std::string mac(const FieldCipher& cipher) const;
};
inline constexpr const char* session_sum_columns =
    "id, user_id, refresh_hash, ends_at, ended_at, password_generation";
struct SessionSum {
  long long id = 0, user = 0, ends_at = 0, ended_at = 0, generation = 0;
  std::string refresh_hash;
  soci::indicator ended_state = soci::i_null;
  std::string mac(const FieldCipher& cipher) const;
};

/// Over what decides which orders a webhook is told of; it never changes.
std::string webhook_sum(const FieldCipher& cipher, long long id, long long owner);

/// After a change of the account, or of one of its sessions. Nothing to do where triggers do it.
void seal_account(soci::session& sql, const FieldCipher& cipher, long long id);
void seal_session(soci::session& sql, const FieldCipher& cipher, long long id);

}  // namespace market::sql
