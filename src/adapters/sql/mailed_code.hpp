#pragma once
/// Codes that were sent by mail, as main.db keeps them, with the tries at each address. Heavy (includes
/// SOCI).

#include <string>
#include <string_view>

#include "adapters/sql/main_database.hpp"
#include "ports/account_care.hpp"
#include "ports/accounts.hpp"
#include "ports/field_cipher.hpp"

namespace market::sql {

/// What codes are for; each purpose has a table of its own.
struct CodePurpose {
  std::string_view table, prefix;
  int tries_max;    ///< At an address, since its last code was sent.
  bool many_codes;  ///< Those of before stay good until they end: a stranger who asks for one voids none.
};
inline constexpr CodePurpose verification{"verifications", "", verification_tries_max, false};
inline constexpr CodePurpose password_reset{"password_resets", "reset:", reset_tries_max, true};

/// How long tries at an address are remembered that no code was sent to; as long as a code lives.
inline constexpr std::chrono::minutes tries_life{10};

/// The key of an address in the purpose's table.
std::string code_index(const FieldCipher& cipher, CodePurpose purpose, const std::string& email);

/// Keyed, like the address: whoever has the file alone can try neither codes nor addresses.
struct MailedCode {
  MailedCode(const FieldCipher& cipher, CodePurpose purpose, const std::string& email,
             const std::string& code, Instant ends);
  CodePurpose purpose;
  std::string email_index, hash;
  long long ends_at;
};

/// Forgets the tries at its address, and the code of before where there may be one alone.
Result<> store_code(soci::session& sql, const MailedCode& code, long long now);
/// Whether `tried` is a code of its address, which has none any more then. `tried.ends_at`: when a try at an
/// address without a code is forgotten. Errors: rate_limited.
Result<bool> try_code(soci::session& sql, const MailedCode& tried, long long now);

}  // namespace market::sql
