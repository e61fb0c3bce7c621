#include "adapters/sql/mailed_code.hpp"

#include <fmt/format.h>

#include "adapters/sql/account_row.hpp"
#include "domain/account/email.hpp"

namespace market::sql {
namespace {

void forget_ended(soci::session& sql, std::string_view table, long long now) {
  sql << fmt::format("DELETE FROM {} WHERE ends_at <= :now", table), soci::use(now);
}

/// Where many codes of one address are good, each has a row, whose key begins with what the address's own row
/// has in the place of a code: the first of them. So the end of that row is the end of them all.
std::string row_of(const std::string& first, const MailedCode& code) {
  return first + code.hash;
}

/// The code that the address's row has; empty: none, and perhaps no row.
std::string code_of(soci::session& sql, const MailedCode& code) {
  std::string hash;
  sql << fmt::format("SELECT code_hash FROM {} WHERE email_index = :email", code.purpose.table),
      soci::use(code.email_index), soci::into(hash);
  return hash;
}

void store_row(soci::session& sql, const MailedCode& code, const std::string& key, const std::string& hash) {
  sql << fmt::format("REPLACE INTO {}(email_index, code_hash, ends_at, tries) VALUES(:email, :code, :end, 0)",
                     code.purpose.table),
      soci::use(key), soci::use(hash), soci::use(code.ends_at);
}

bool is_right(soci::session& sql, const MailedCode& tried, const std::string& hash) {
  if (!tried.purpose.many_codes) return hash == tried.hash;
  if (hash.empty()) return false;
  const std::string key = row_of(hash, tried);
  int found = 0;
  sql << fmt::format("SELECT COUNT(*) FROM {} WHERE email_index = :key", tried.purpose.table), soci::use(key),
      soci::into(found);
  return found > 0;
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
  std::string first;
  if (code.purpose.many_codes) first = code_of(sql, code);
  if (first.empty()) first = code.hash;
  store_row(sql, code, code.email_index, first);
  if (code.purpose.many_codes) store_row(sql, code, row_of(first, code), "");
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
  if (tries > tried.purpose.tries_max) {
    // When it has ended at the latest; the same for every address, so that nobody learns which has a code.
    ErrorExtras extras;
    extras.retry_after_seconds = static_cast<int>((tried.ends_at - now) / 1'000);
    return fail(
        Error(Code::rate_limited, "this code was tried too often; ask for another one", std::move(extras)));
  }
  if (!is_right(sql, tried, hash)) return false;
  sql << fmt::format("DELETE FROM {} WHERE email_index = :email", table), soci::use(tried.email_index);
  return true;
}

}  // namespace market::sql
