#include "adapters/sql/account_care.hpp"

#include "adapters/sql/account_row.hpp"
#include "adapters/sql/mailed_code.hpp"
#include "adapters/sql/row_mac.hpp"
#include "domain/account/email.hpp"

namespace market::sql {
namespace {

Result<std::vector<SessionId>> erase_all(soci::session& sql, const FieldCipher& cipher, long long id,
                                         long long generation, long long now) {
  const auto account = select_account(sql, cipher, id);
  if (!account) return fail(account.error());
  if (account->password_generation != generation)
    return fail(Code::invalid_credentials, "the password was changed meanwhile");
  if (account->role == Role::admin)  // Since a moment ago.
    return fail(Code::forbidden, "an administrator's account is not ended");
  long long session = 0;
  std::vector<SessionId> ended;
  {
    soci::statement rows = (sql.prepare << "SELECT id FROM sessions WHERE user_id = :id AND ended_at IS NULL",
                            soci::use(id), soci::into(session));
    rows.execute();
    while (rows.fetch()) ended.push_back(SessionId{session});
  }
  const std::string index = cipher.blind_index(email_key(account->email));
  const std::string reset_index = code_index(cipher, password_reset, account->email);
  sql << "DELETE FROM used_refresh_hashes WHERE session_id IN (SELECT id FROM sessions WHERE user_id = :id)",
      soci::use(id);
  // They stay until their access tokens have ended, so that a restart lets none of those live again.
  sql << "UPDATE sessions SET device = '' WHERE user_id = :id", soci::use(id);
  sql << "UPDATE sessions SET ended_at = :now WHERE user_id = :id AND ended_at IS NULL", soci::use(now),
      soci::use(id);
  for (const SessionId each : ended) seal_session(sql, cipher, each.value);
  for (const char* table : {"cart_items", "wishes", "locked_accounts", "mails", "known_clients"})
    sql << fmt::format("DELETE FROM {} WHERE user_id = :id", table), soci::use(id);
  sql << "DELETE FROM webhook_deliveries WHERE webhook_id IN (SELECT id FROM webhooks WHERE owner_id = :id)",
      soci::use(id);
  sql << "DELETE FROM webhooks WHERE owner_id = :id", soci::use(id);
  sql << "DELETE FROM verifications WHERE email_index = :index", soci::use(index);
  sql << "DELETE FROM password_resets WHERE email_index = :index", soci::use(reset_index);
  sql << "DELETE FROM accounts WHERE id = :id", soci::use(id);
  return ended;
}

Result<std::optional<std::vector<SessionId>>> reset_by(soci::session& sql, const FieldCipher& cipher,
                                                       const MailedCode& tried, const std::string& index,
                                                       const std::string& hash, long long now) {
  const auto right = try_code(sql, tried, now);
  if (!right) return fail(right.error());
  if (!*right) return std::nullopt;  // No failure: the try is to be counted.
  const auto account = select_account(sql, cipher, index);
  if (!account && account.error().code == Code::not_found) return std::nullopt;
  if (!account) return fail(account.error());
  PasswordChange change;
  change.verified_generation = account->password_generation;
  change.hash = hash;
  auto ended = change_password(sql, cipher, account->id.value, change, now);
  if (!ended) return fail(ended.error());
  return std::move(*ended);
}

}  // namespace

Task<> SqlAccountCare::store_reset(std::string email, VerificationCode code, Instant now) {
  return database_.write([reset = MailedCode(cipher_, password_reset, email, code.code, code.ends_at),
                          at = millis_of(now)](soci::session& sql) { return store_code(sql, reset, at); });
}

Task<std::optional<std::vector<SessionId>>> SqlAccountCare::reset_password(std::string email,
                                                                           std::string code, std::string hash,
                                                                           Instant now) {
  return database_.write(
      [this, tried = MailedCode(cipher_, password_reset, email, code, now + tries_life),
       index = cipher_.blind_index(email_key(email)), hash = std::move(hash),
       at = millis_of(now)](soci::session& sql) { return reset_by(sql, cipher_, tried, index, hash, at); });
}

Task<std::vector<SessionId>> SqlAccountCare::erase(UserId id, std::int64_t verified_generation, Instant now) {
  return database_.write([this, user = static_cast<long long>(id.value),
                          generation = static_cast<long long>(verified_generation), at = millis_of(now)](
                             soci::session& sql) { return erase_all(sql, cipher_, user, generation, at); });
}

}  // namespace market::sql
