#include "adapters/sql/mailed_code.hpp"

#include <fmt/format.h>

#include "adapters/sql/account_row.hpp"
#include "domain/account/email.hpp"

namespace market::sql {
namespace {

void forget_ended(soci::session& sql, std::string_view table, long long now) {
  sql << fmt::format("DELETE FROM {} WHERE ends_at <= :now", table), soci::use(now);
}

std::string address_of(CodePurpose purpose, const std::string& email) {
  return fmt::format("{}{}", purpose.prefix, email_key(email));
}

}  // namespace

std::string code_index(const FieldCipher& cipher, CodePurpose purpose, const std::string& email) {
  return cipher.blind_index(address_of(purpose, email));
}

MailedCode::MailedCode(const FieldCipher& cipher, CodePurpose why, const std::string& email,
                       const std::string& code, Instant ends)
    : purpose(why),
      email_index(code_index(cipher, why, email)),
      hash(cipher.blind_index(address_of(why, email) + '\n' + code)),
      ends_at(millis_of(ends)) {}

Result<> store_code(soci::session& sql, const MailedCode& code, long long now) {
  forget_ended(sql, code.purpose.table, now);
  sql << fmt::format("REPLACE INTO {}(email_index, code_hash, ends_at, tries) VALUES(:email, :code, :end, 0)",
                     code.purpose.table),
      soci::use(code.email_index), soci::use(code.hash), soci::use(code.ends_at);
  return {};
}

Result<bool> try_code(soci::session& sql, const MailedCode& tried, long long now) {
  const std::string_view table = tried.purpose.table;
  forget_ended(sql, table, now);
  soci::statement count =
      (sql.prepare << fmt::format("UPDATE {} SET tries = tries + 1 WHERE email_index = :email", table),
       soci::use(tried.email_index));
  count.execute(true);
  if (count.get_affected_rows() == 0)
    sql << fmt::format("INSERT INTO {}(email_index, code_hash, ends_at, tries) VALUES(:email, '', :end, 1)",
                       table),
        soci::use(tried.email_index), soci::use(tried.ends_at);
  std::string hash;
  int tries = 0;
  sql << fmt::format("SELECT code_hash, tries FROM {} WHERE email_index = :email", table),
      soci::use(tried.email_index), soci::into(hash), soci::into(tries);
  if (tries > verification_tries_max) {
    // When it has ended at the latest; the same for every address, so that nobody learns which has a code.
    ErrorExtras extras;
    extras.retry_after_seconds = static_cast<int>((tried.ends_at - now) / 1'000);
    return fail(
        Error(Code::rate_limited, "this code was tried too often; ask for another one", std::move(extras)));
  }
  if (hash != tried.hash) return false;
  sql << fmt::format("DELETE FROM {} WHERE email_index = :email", table), soci::use(tried.email_index);
  return true;
}

}  // namespace market::sql
