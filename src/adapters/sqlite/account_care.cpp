#include "adapters/sqlite/account_care.hpp"

#include "adapters/sqlite/account_row.hpp"
#include "domain/account/email.hpp"

namespace market::sqlite {
namespace {

/// How long tries at an address are remembered that no code was sent to; as long as a code lives.
constexpr std::chrono::minutes tries_life{10};

/// Keyed: whoever has the file alone can try neither codes nor addresses.
struct StoredReset {
  StoredReset(const FieldCipher& cipher, const std::string& email, const std::string& code, Instant ends)
      : index(cipher.blind_index("reset:" + email_key(email))),
        hash(cipher.blind_index("reset:" + email_key(email) + '\n' + code)),
        ends_at(millis_of(ends)) {}
  std::string index, hash;
  long long ends_at;
};

Result<> store(soci::session& sql, const StoredReset& reset, long long now) {
  sql << "DELETE FROM password_resets WHERE ends_at <= :now", soci::use(now);
  sql << "REPLACE INTO password_resets(email_index, code_hash, ends_at, tries) VALUES(:email, :code, :end, "
         "0)",
      soci::use(reset.index), soci::use(reset.hash), soci::use(reset.ends_at);
  return {};
}

Result<bool> take(soci::session& sql, const StoredReset& tried, long long now) {
  sql << "DELETE FROM password_resets WHERE ends_at <= :now", soci::use(now);
  sql << "INSERT INTO password_resets(email_index, code_hash, ends_at, tries) VALUES(:email, '', :end, 1) "
         "ON CONFLICT(email_index) DO UPDATE SET tries = tries + 1",
      soci::use(tried.index), soci::use(tried.ends_at);
  std::string hash;
  int tries = 0;
  sql << "SELECT code_hash, tries FROM password_resets WHERE email_index = :email", soci::use(tried.index),
      soci::into(hash), soci::into(tries);
  if (tries > verification_tries_max) return fail(Code::rate_limited, "this code was tried too often");
  if (hash != tried.hash) return false;
  sql << "DELETE FROM password_resets WHERE email_index = :email", soci::use(tried.index);
  return true;
}

Result<std::vector<SessionId>> erase_all(soci::session& sql, const FieldCipher& cipher, long long id,
                                         long long generation, long long now) {
  const auto account = select_account(sql, cipher, id);
  if (!account) return fail(account.error());
  if (account->password_generation != generation)
    return fail(Code::invalid_credentials, "the password was changed meanwhile");
  long long session = 0;
  std::vector<SessionId> ended;
  {
    soci::statement rows = (sql.prepare << "SELECT id FROM sessions WHERE user_id = :id AND ended_at IS NULL",
                            soci::use(id), soci::into(session));
    rows.execute();
    while (rows.fetch()) ended.push_back(SessionId{session});
  }
  const std::string index = cipher.blind_index(email_key(account->email));
  const std::string reset_index = cipher.blind_index("reset:" + email_key(account->email));
  sql << "DELETE FROM used_refresh_hashes WHERE session_id IN (SELECT id FROM sessions WHERE user_id = :id)",
      soci::use(id);
  // They stay until their access tokens have ended, so that a restart lets none of those live again.
  sql << "UPDATE sessions SET ended_at = :now, device = '' WHERE user_id = :id", soci::use(now),
      soci::use(id);
  for (const char* table : {"cart_items", "wishes", "locked_accounts"})
    sql << fmt::format("DELETE FROM {} WHERE user_id = :id", table), soci::use(id);
  sql << "DELETE FROM verifications WHERE email_index = :index", soci::use(index);
  sql << "DELETE FROM password_resets WHERE email_index = :index", soci::use(reset_index);
  sql << "DELETE FROM accounts WHERE id = :id", soci::use(id);
  return ended;
}

}  // namespace

Task<> SqliteAccountCare::store_reset(std::string email, VerificationCode code, Instant now) {
  return database_.write([reset = StoredReset(cipher_, email, code.code, code.ends_at),
                          at = millis_of(now)](soci::session& sql) { return store(sql, reset, at); });
}

Task<bool> SqliteAccountCare::take_reset(std::string email, std::string code, Instant now) {
  return database_.write([tried = StoredReset(cipher_, email, code, now + tries_life),
                          at = millis_of(now)](soci::session& sql) { return take(sql, tried, at); });
}

Task<std::vector<SessionId>> SqliteAccountCare::erase(UserId id, std::int64_t verified_generation,
                                                      Instant now) {
  return database_.write([this, user = static_cast<long long>(id.value),
                          generation = static_cast<long long>(verified_generation), at = millis_of(now)](
                             soci::session& sql) { return erase_all(sql, cipher_, user, generation, at); });
}

}  // namespace market::sqlite
