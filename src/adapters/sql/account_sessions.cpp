/// The sessions and passwords of ports/accounts.hpp on the ordinary rows. One writer at a time makes each
/// call atomic.
#include "adapters/sql/account_row.hpp"

#include "adapters/sql/accounts.hpp"
#include "adapters/sql/row_mac.hpp"
#include "base/text.hpp"

namespace market::sql {
namespace {

/// Ended sessions stay this long past their end, for ended_since().
constexpr long long kept_past_end_ms = access_token_life_max.count();

std::string unhex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  return bytes;
}

tl::unexpected<Error> other_password() {
  return fail(Code::invalid_credentials, "the password was changed meanwhile");
}

Result<long long> generation_of(soci::session& sql, long long user) {
  long long generation = 0;
  sql << "SELECT password_generation FROM accounts WHERE id = :id", soci::use(user), soci::into(generation);
  if (!sql.got_data()) return fail(Code::not_found, "there is no such account");
  return generation;
}

void insert(soci::session& sql, const FieldCipher& cipher, const Session& session) {
  const long long id = session.id.value, user = session.user.value,
                  created_at = millis_of(session.created_at), used_at = millis_of(session.used_at),
                  ends_at = millis_of(session.ends_at), generation = session.password_generation;
  const std::string hash = to_hex(session.refresh_hash);
  sql << "INSERT INTO sessions(id, user_id, refresh_hash, device, created_at, used_at, ends_at, "
         "password_generation) VALUES(:id, :user, :hash, :device, :created_at, :used_at, :ends_at, "
         ":generation)",
      soci::use(id), soci::use(user), soci::use(hash), soci::use(session.device), soci::use(created_at),
      soci::use(used_at), soci::use(ends_at), soci::use(generation);
  seal_session(sql, cipher, id);
  const long long long_ago = created_at - kept_past_end_ms;  // A sign-in clears away what has long ended.
  sql << "DELETE FROM sessions WHERE ends_at < :long_ago", soci::use(long_ago);
  sql << "DELETE FROM used_refresh_hashes WHERE ends_at < :long_ago", soci::use(long_ago);
}

struct SessionRow {
  SessionSum sum;
  long long created_at = 0, used_at = 0;
  std::string device, mac;
  Session value() const {
    return Session{SessionId{sum.id},      UserId{sum.user},    unhex(sum.refresh_hash), device,
                   instant_of(created_at), instant_of(used_at), instant_of(sum.ends_at), sum.generation};
  }
};

/// `rest` follows WHERE and holds the named placeholders :key and :now. A session that was changed outside of
/// the market is none.
std::vector<Session> select(soci::session& sql, const FieldCipher& cipher, const std::string& rest,
                            long long key, long long now) {
  SessionRow row;
  SessionSum& sum = row.sum;
  soci::statement rows =
      (sql.prepare << fmt::format(
           "SELECT {}, device, created_at, used_at, mac FROM sessions WHERE ended_at IS "
           "NULL AND ends_at > :now AND {}",
           session_sum_columns, rest),
       soci::use(now, "now"), soci::use(key, "key"), soci::into(sum.id), soci::into(sum.user),
       soci::into(sum.refresh_hash), soci::into(sum.ends_at), soci::into(sum.ended_at, sum.ended_state),
       soci::into(sum.generation), soci::into(row.device), soci::into(row.created_at),
       soci::into(row.used_at), soci::into(row.mac));
  std::vector<Session> found;
  rows.execute();
  while (rows.fetch())
    if (row.mac == sum.mac(cipher)) found.push_back(row.value());
  return found;
}

void end_session(soci::session& sql, const FieldCipher& cipher, long long id, long long now) {
  sql << "UPDATE sessions SET ended_at = :now WHERE id = :id", soci::use(now), soci::use(id);
  seal_session(sql, cipher, id);
}

Result<std::vector<SessionId>> ids_of(soci::statement& rows, const long long& id) {
  std::vector<SessionId> found;
  rows.execute();
  while (rows.fetch()) found.push_back(SessionId{id});
  return found;
}

/// Room for one more: ends those of the user's sessions that were used longest ago.
std::vector<SessionId> end_beyond(soci::session& sql, const FieldCipher& cipher, long long user, int most,
                                  long long now) {
  long long id = 0;
  soci::statement rows =
      (sql.prepare << "SELECT id FROM sessions WHERE user_id = :user AND ended_at IS NULL AND ends_at > :now "
                      "ORDER BY used_at DESC, id DESC LIMIT 9223372036854775807 OFFSET :most",
       soci::use(user), soci::use(now), soci::use(most), soci::into(id));
  auto ended = ids_of(rows, id);
  for (const auto session : *ended) end_session(sql, cipher, session.value, now);
  return std::move(*ended);
}

/// The session of a refresh token that was replaced; `used_at` says when.
long long session_that_used(soci::session& sql, const std::string& hash, long long& used_at) {
  long long id = 0;
  sql << "SELECT session_id, used_at FROM used_refresh_hashes WHERE refresh_hash = :hash", soci::use(hash),
      soci::into(id), soci::into(used_at);
  return sql.got_data() ? id : 0;
}

/// Whether this session has ever had the token: the current one, or one that was used.
bool has_token(soci::session& sql, const Session& session, const std::string& hash) {
  long long used_at = 0;
  return to_hex(session.refresh_hash) == hash || session_that_used(sql, hash, used_at) == session.id.value;
}

/// Who may know a row learns no address from it.
std::string client_index(const FieldCipher& cipher, long long user, const std::string& client) {
  return cipher.blind_index(fmt::format("client\n{}\n{}", user, client));
}

void remember_client(soci::session& sql, const FieldCipher& cipher, const Session& session) {
  const long long user = session.user.value, at = millis_of(session.created_at);
  const int most = known_clients_max;
  const std::string index = client_index(cipher, user, session.client);
  sql << "REPLACE INTO known_clients(user_id, client_index, seen_at) VALUES(:user, :client, :at)",
      soci::use(user), soci::use(index), soci::use(at);
  std::string old;
  std::vector<std::string> beyond;
  {
    soci::statement rows =
        (sql.prepare << "SELECT client_index FROM known_clients WHERE user_id = :user ORDER BY seen_at DESC "
                        "LIMIT 9223372036854775807 OFFSET :most",
         soci::use(user), soci::use(most), soci::into(old));
    rows.execute();
    while (rows.fetch()) beyond.push_back(old);
  }
  for (const std::string& each : beyond)
    sql << "DELETE FROM known_clients WHERE user_id = :user AND client_index = :client", soci::use(user),
        soci::use(each);
}

struct Tokens {
  std::string old_hash, new_hash;
};

/// Answers with a session even when its token is not good, so that the end of a reused one is committed.
Result<Rotation> rotate(soci::session& sql, const FieldCipher& cipher, const Tokens& tokens, long long now) {
  long long id = 0, used_at = 0;
  sql << "SELECT id FROM sessions WHERE refresh_hash = :old", soci::use(tokens.old_hash), soci::into(id);
  const bool current = sql.got_data();
  if (!current) id = session_that_used(sql, tokens.old_hash, used_at);
  Rotation rotation;
  if (id == 0) return rotation;
  auto live = select(sql, cipher, "id = :key", id, now);
  if (live.empty()) return rotation;
  Session& session = live.front();
  auto account = select_account(sql, cipher, session.user.value);
  if (!account && account.error().code != Code::not_found) return fail(account.error());
  const bool same_password = account && account->password_generation == session.password_generation;
  // Two that refresh at once have read the clock in any order.
  const bool lately = !current && std::abs(now - used_at) < refresh_again_max.count() &&
                      has_token(sql, session, tokens.new_hash);
  if (!same_password || (!current && !lately)) {
    end_session(sql, cipher, id, now);
    rotation.ended = session.id;
    return rotation;
  }
  if (current) {
    sql << "UPDATE sessions SET refresh_hash = :new, used_at = :now WHERE id = :id",
        soci::use(tokens.new_hash), soci::use(now), soci::use(id);
    seal_session(sql, cipher, id);
    const long long ends_at = millis_of(session.ends_at);
    sql << "INSERT INTO used_refresh_hashes(refresh_hash, session_id, ends_at, used_at) "
           "VALUES(:old, :id, :ends_at, :now)",
        soci::use(tokens.old_hash), soci::use(id), soci::use(ends_at), soci::use(now);
    session.refresh_hash = unhex(tokens.new_hash);
    session.used_at = instant_of(now);
  }
  rotation.session = std::move(session);
  rotation.account = std::move(*account);
  return rotation;
}

Result<std::vector<SessionId>> end_all(soci::session& sql, const FieldCipher& cipher, long long user,
                                       long long only, long long except, long long now) {
  long long id = 0;
  soci::statement rows =
      (sql.prepare << "SELECT id FROM sessions WHERE user_id = :user AND ended_at IS NULL AND "
                      "(:only = 0 OR id = :only) AND id <> :except",
       soci::use(user, "user"), soci::use(only, "only"), soci::use(except, "except"), soci::into(id));
  auto ended = ids_of(rows, id);
  for (const auto session : *ended) end_session(sql, cipher, session.value, now);
  return ended;
}

}  // namespace

Result<std::vector<SessionId>> change_password(soci::session& sql, const FieldCipher& cipher, long long user,
                                               const PasswordChange& wanted, long long now) {
  const auto generation = generation_of(sql, user);
  if (!generation) return fail(generation.error());
  if (*generation != wanted.verified_generation) return other_password();
  const long long next = *generation + 1, keep = wanted.keep.value;
  sql << "UPDATE accounts SET password_hash = :hash, password_generation = :next WHERE id = :id",
      soci::use(wanted.hash), soci::use(next), soci::use(user);
  seal_account(sql, cipher, user);
  sql << "UPDATE sessions SET password_generation = :next WHERE id = :keep AND user_id = :user",
      soci::use(next), soci::use(keep), soci::use(user);
  seal_session(sql, cipher, keep);
  return end_all(sql, cipher, user, 0, keep, now);
}

Task<> SqlAccounts::rehash_password(UserId id, std::int64_t generation, std::string hash) {
  return database_.write([this, user = static_cast<long long>(id.value),
                          verified = static_cast<long long>(generation),
                          hash = std::move(hash)](soci::session& sql) -> Result<> {
    sql << "UPDATE accounts SET password_hash = :hash WHERE id = :id AND password_generation = :verified",
        soci::use(hash), soci::use(user), soci::use(verified);
    seal_account(sql, cipher_, user);
    return {};
  });
}

Task<std::vector<SessionId>> SqlAccounts::change_password(UserId id, PasswordChange wanted) {
  return database_.write([this, user = static_cast<long long>(id.value), wanted = std::move(wanted),
                          now = millis_of(clock_.now())](soci::session& sql) {
    return sql::change_password(sql, cipher_, user, wanted, now);
  });
}

Task<std::vector<SessionId>> SqlAccounts::create_session(Session session) {
  return database_.write(
      [this, session = std::move(session)](soci::session& sql) -> Result<std::vector<SessionId>> {
        const auto generation = generation_of(sql, session.user.value);
        if (!generation && generation.error().code != Code::not_found) return fail(generation.error());
        if (!generation || *generation != session.password_generation) return other_password();
        if (is_locked(sql, session.user.value)) return other_password();  // The same words for both.
        auto ended = end_beyond(sql, cipher_, session.user.value, sessions_per_account_max - 1,
                                millis_of(session.created_at));
        insert(sql, cipher_, session);
        if (!session.client.empty()) remember_client(sql, cipher_, session);
        return ended;
      });
}

Task<bool> SqlAccounts::knows_client(UserId id, std::string client) {
  return database_.read(
      [user = static_cast<long long>(id.value),
       index = client_index(cipher_, id.value, client)](soci::session& sql) -> Result<bool> {
        int one = 0;
        sql << "SELECT 1 FROM known_clients WHERE user_id = :user AND client_index = :client",
            soci::use(user), soci::use(index), soci::into(one);
        return sql.got_data();
      });
}

Task<Rotation> SqlAccounts::rotate_session(std::string old_hash, std::string new_hash, Instant now) {
  return database_.write([this, tokens = Tokens{to_hex(old_hash), to_hex(new_hash)}, at = millis_of(now)](
                             soci::session& sql) { return rotate(sql, cipher_, tokens, at); });
}

Task<std::vector<Session>> SqlAccounts::sessions(UserId user, Instant now, SessionId before, int limit) {
  return database_.read([this, key = static_cast<long long>(user.value), at = millis_of(now),
                         first = before ? before.value : INT64_MAX,
                         limit](soci::session& sql) -> Result<std::vector<Session>> {
    return select(sql, cipher_,
                  fmt::format("user_id = :key AND id < {} ORDER BY id DESC LIMIT {}", first, limit), key, at);
  });
}

Task<std::vector<SessionId>> SqlAccounts::end_sessions(UserId user, std::optional<SessionId> only) {
  return database_.write([this, whose = static_cast<long long>(user.value),
                          one = static_cast<long long>(only ? only->value : 0),
                          now = millis_of(clock_.now())](soci::session& sql) {
    return end_all(sql, cipher_, whose, one, 0, now);
  });
}

Task<std::vector<SessionId>> SqlAccounts::ended_since(Instant since) {
  return database_.read([from = millis_of(since)](soci::session& sql) {
    long long id = 0;
    soci::statement rows = (sql.prepare << "SELECT id FROM sessions WHERE ended_at >= :since ORDER BY id",
                            soci::use(from), soci::into(id));
    return ids_of(rows, id);
  });
}

}  // namespace market::sql
