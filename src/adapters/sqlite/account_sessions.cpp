/// The sessions of ports/accounts.hpp on main.db.
#include <fmt/format.h>

#include "adapters/sqlite/accounts.hpp"
#include "adapters/sqlite/main_database.hpp"

namespace market::sqlite {
namespace {

/// Ended sessions stay this long past their end, for ended_since().
constexpr long long kept_past_end_ms = 24LL * 3600 * 1000;

long long millis_of(Instant at) {
  return at.time_since_epoch().count();
}
Instant instant_of(long long millis) {
  return Instant(Millis(millis));
}

std::string hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string unhex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  return bytes;
}

Result<> insert(soci::session& sql, const Session& session) {
  const long long id = session.id.value, user = session.user.value,
                  created_at = millis_of(session.created_at), used_at = millis_of(session.used_at),
                  ends_at = millis_of(session.ends_at);
  const std::string hash = hex(session.refresh_hash);
  sql << "INSERT INTO sessions(id, user_id, refresh_hash, device, created_at, used_at, ends_at) "
         "VALUES(:id, :user, :hash, :device, :created_at, :used_at, :ends_at)",
      soci::use(id), soci::use(user), soci::use(hash), soci::use(session.device), soci::use(created_at),
      soci::use(used_at), soci::use(ends_at);
  const long long long_ago = created_at - kept_past_end_ms;  // A sign-in clears away what has long ended.
  sql << "DELETE FROM sessions WHERE ends_at < :long_ago", soci::use(long_ago);
  sql << "DELETE FROM used_refresh_hashes WHERE ends_at < :long_ago", soci::use(long_ago);
  return {};
}

/// `rest` follows WHERE and holds the named placeholders :key and, perhaps, :now.
std::vector<Session> select(soci::session& sql, const std::string& rest, long long key, long long now) {
  long long id = 0, user = 0, created_at = 0, used_at = 0, ends_at = 0;
  std::string hash, device;
  soci::statement rows =
      (sql.prepare
           << "SELECT id, user_id, refresh_hash, device, created_at, used_at, ends_at FROM sessions WHERE "
              "ended_at IS NULL AND ends_at > :now AND " +
                  rest,
       soci::use(now, "now"), soci::use(key, "key"), soci::into(id), soci::into(user), soci::into(hash),
       soci::into(device), soci::into(created_at), soci::into(used_at), soci::into(ends_at));
  std::vector<Session> found;
  rows.execute();
  while (rows.fetch())
    found.push_back(Session{SessionId{id}, UserId{user}, unhex(hash), device, instant_of(created_at),
                            instant_of(used_at), instant_of(ends_at)});
  return found;
}

/// Answers the session, or nothing when the token is not one that works; a used one ends its session.
Result<std::optional<Session>> rotate(soci::session& sql, const std::string& old_hash,
                                      const std::string& new_hash, long long now) {
  long long id = 0;
  sql << "SELECT id FROM sessions WHERE refresh_hash = :old AND ended_at IS NULL AND ends_at > :now",
      soci::use(old_hash), soci::use(now), soci::into(id);
  if (sql.got_data()) {  // The transaction holds the write lock, so this is still so at the update.
    sql << "UPDATE sessions SET refresh_hash = :new, used_at = :now WHERE id = :id", soci::use(new_hash),
        soci::use(now), soci::use(id);
    sql << "INSERT INTO used_refresh_hashes(refresh_hash, session_id, ends_at) SELECT :old, id, ends_at "
           "FROM sessions WHERE id = :id",
        soci::use(old_hash), soci::use(id);
    auto found = select(sql, "id = :key", id, now);
    if (found.empty()) return fail(Code::unavailable, "a session vanished while its token was replaced");
    return std::optional<Session>(std::move(found.front()));
  }
  sql << "UPDATE sessions SET ended_at = :now WHERE ended_at IS NULL AND id = (SELECT session_id FROM "
         "used_refresh_hashes WHERE refresh_hash = :old)",
      soci::use(now), soci::use(old_hash);
  return std::optional<Session>();  // A value, so that the end is committed.
}

Result<std::vector<SessionId>> ids_of(soci::statement& rows, const long long& id) {
  std::vector<SessionId> found;
  rows.execute();
  while (rows.fetch()) found.push_back(SessionId{id});
  return found;
}

Task<Session> or_revoked(Task<std::optional<Session>> rotating) {
  auto rotated = co_await std::move(rotating);
  if (!rotated) co_return fail(rotated.error());
  if (!*rotated) co_return fail(Code::session_revoked, "this session has ended");
  co_return std::move(**rotated);
}

}  // namespace

Task<> SqliteAccounts::create_session(Session session) {
  return database_.write([session = std::move(session)](soci::session& sql) { return insert(sql, session); });
}

Task<Session> SqliteAccounts::rotate_session(std::string old_hash, std::string new_hash, Instant now) {
  return or_revoked(database_.write([old_hex = hex(old_hash), new_hex = hex(new_hash), at = millis_of(now)](
                                        soci::session& sql) { return rotate(sql, old_hex, new_hex, at); }));
}

Task<std::vector<Session>> SqliteAccounts::sessions(UserId user, Instant now) {
  return database_.read([key = static_cast<long long>(user.value),
                         at = millis_of(now)](soci::session& sql) -> Result<std::vector<Session>> {
    return select(sql, "user_id = :key ORDER BY used_at DESC, id DESC", key, at);
  });
}

Task<std::vector<SessionId>> SqliteAccounts::end_sessions(UserId user, std::optional<SessionId> only,
                                                          std::optional<SessionId> except) {
  const long long whose = user.value, only_id = only ? only->value : 0,
                  except_id = except ? except->value : 0;
  return database_.write([whose, only_id, except_id, now = millis_of(clock_.now())](soci::session& sql) {
    long long id = 0;
    soci::statement rows =
        (sql.prepare << "SELECT id FROM sessions WHERE user_id = :user AND ended_at IS NULL AND "
                        "(:only = 0 OR id = :only) AND id <> :except",
         soci::use(whose, "user"), soci::use(only_id, "only"), soci::use(except_id, "except"),
         soci::into(id));
    auto ended = ids_of(rows, id);
    for (const auto session : *ended) {
      const long long one = session.value;
      sql << "UPDATE sessions SET ended_at = :now WHERE id = :id", soci::use(now), soci::use(one);
    }
    return ended;
  });
}

Task<std::vector<SessionId>> SqliteAccounts::ended_since(Instant since) {
  return database_.read([from = millis_of(since)](soci::session& sql) {
    long long id = 0;
    soci::statement rows = (sql.prepare << "SELECT id FROM sessions WHERE ended_at >= :since ORDER BY id",
                            soci::use(from), soci::into(id));
    return ids_of(rows, id);
  });
}

}  // namespace market::sqlite
