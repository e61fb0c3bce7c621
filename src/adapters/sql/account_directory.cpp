#include "adapters/sql/account_directory.hpp"

#include "adapters/sql/account_row.hpp"
#include "adapters/sql/row_mac.hpp"
#include "domain/account/email.hpp"

namespace market::sql {
namespace {

Result<ListedAccount> listed(soci::session& sql, const FieldCipher& cipher, long long id) {
  auto account = select_account(sql, cipher, id);
  if (!account) return fail(account.error());
  ListedAccount found;
  found.account = std::move(*account);
  found.account.password_hash.clear();
  long long at = 0;
  sql << "SELECT locked_at FROM locked_accounts WHERE user_id = :id", soci::use(id), soci::into(at);
  if (sql.got_data()) found.locked_at = Instant(Millis(at));
  return found;
}

/// Newest first; the ids alone, as personal data is read one by one.
std::vector<long long> select_ids(soci::session& sql, const AccountQuery& query, const std::string& index) {
  const std::string role(query.role ? text_of(*query.role) : "");
  const int locked = query.locked ? (*query.locked ? 1 : 0) : -1, limit = query.limit;
  const long long before = query.before ? query.before.value : INT64_MAX;
  long long id = 0;
  soci::statement rows =
      (sql.prepare
           << "SELECT id FROM accounts WHERE id < :before AND (:email = '' OR email_index = :email) "
              "AND (:role = '' OR role = :role) AND (:locked = -1 OR :locked = (id IN (SELECT user_id "
              "FROM locked_accounts))) ORDER BY id DESC LIMIT :limit",
       soci::use(before, "before"), soci::use(index, "email"), soci::use(role, "role"),
       soci::use(locked, "locked"), soci::use(limit, "limit"), soci::into(id));
  std::vector<long long> ids;
  rows.execute();
  while (rows.fetch()) ids.push_back(id);
  return ids;
}

bool is_left_out(const Error& error) {
  return error.code == Code::not_found || error.code == Code::internal;
}

}  // namespace

Task<std::vector<ListedAccount>> SqlAccountDirectory::list(AccountQuery query) {
  return database_.read(
      [this, query = std::move(query)](soci::session& sql) -> Result<std::vector<ListedAccount>> {
        const std::string index = query.email ? cipher_.blind_index(email_key(*query.email)) : std::string();
        const auto wanted = static_cast<std::size_t>(query.limit);
        std::vector<ListedAccount> found;
        AccountQuery next = query;
        while (found.size() < wanted) {
          next.limit = static_cast<int>(wanted - found.size());
          const auto ids = select_ids(sql, next, index);
          for (const long long id : ids) {
            auto account = listed(sql, cipher_, id);
            // Deleted meanwhile; or one that cannot be read, which must not hide all others.
            if (!account && is_left_out(account.error())) continue;
            if (!account) return fail(account.error());
            found.push_back(std::move(*account));
          }
          if (ids.size() < static_cast<std::size_t>(next.limit)) break;
          next.before = UserId{ids.back()};
        }
        return found;
      });
}

Task<ListedAccount> SqlAccountDirectory::find(UserId id) {
  return database_.read(
      [this, id = static_cast<long long>(id.value)](soci::session& sql) { return listed(sql, cipher_, id); });
}

Task<std::vector<SessionId>> SqlAccountDirectory::lock(UserId admin, UserId id, Instant now) {
  return database_.write([this, admin, user = static_cast<long long>(id.value),
                          at = millis_of(now)](soci::session& sql) -> Result<std::vector<SessionId>> {
    if (const auto may = expect_admin(sql, cipher_, admin); !may) return fail(may.error());
    if (const auto known = select_account(sql, cipher_, user); !known) return fail(known.error());
    if (!is_locked(sql, user))
      sql << "INSERT INTO locked_accounts(user_id, locked_at) VALUES(:id, :at)", soci::use(user),
          soci::use(at);
    long long session = 0;
    std::vector<SessionId> ended;
    {
      soci::statement rows =
          (sql.prepare << "SELECT id FROM sessions WHERE user_id = :id AND ended_at IS NULL", soci::use(user),
           soci::into(session));
      rows.execute();
      while (rows.fetch()) ended.push_back(SessionId{session});
    }
    sql << "UPDATE sessions SET ended_at = :at WHERE user_id = :id AND ended_at IS NULL", soci::use(at),
        soci::use(user);
    for (const SessionId each : ended) seal_session(sql, cipher_, each.value);
    return ended;
  });
}

Task<> SqlAccountDirectory::unlock(UserId admin, UserId id) {
  return database_.write(
      [this, admin, user = static_cast<long long>(id.value)](soci::session& sql) -> Result<> {
        if (const auto may = expect_admin(sql, cipher_, admin); !may) return may;
        sql << "DELETE FROM locked_accounts WHERE user_id = :id", soci::use(user);
        return {};
      });
}

}  // namespace market::sql
