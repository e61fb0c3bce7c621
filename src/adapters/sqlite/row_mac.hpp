#pragma once
/// A keyed sum in every row of main.db that decides who somebody is and what they may do: a bit that flipped,
/// or a role that was written past the market, is found. SQL calls it `row_mac(...)`; triggers keep it up to
/// date, so no writer can forget it. Heavy (includes SOCI), for .cpp files.

#include <string_view>

#include "adapters/sqlite/sql_session.hpp"
#include "ports/field_cipher.hpp"

namespace market::sqlite {

/// What the sum of a row covers; the first argument names the table, so that no row passes for another's.
inline constexpr std::string_view account_mac =
    "row_mac('accounts', id, email_index, role, email_verified, password_hash, password_generation, "
    "role_changed_at)";
inline constexpr std::string_view session_mac =
    "row_mac('sessions', id, user_id, refresh_hash, ends_at, ended_at, password_generation)";

/// Makes row_mac() known to this session. `cipher` outlives it.
void add_row_mac(soci::session& sql, const FieldCipher& cipher);

}  // namespace market::sqlite
