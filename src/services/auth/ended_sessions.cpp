#include "services/auth/ended_sessions.hpp"

#include <limits>

#include "wire/json/json.hpp"
#include "wire/json/json_writer.hpp"

namespace market::auth {
namespace {

/// No account's: ids are times, and this one is of a moment before there were any.
constexpr UserId key_holder{1};
constexpr Millis token_time{30'000};
constexpr std::int64_t day_ms = 24LL * 3600 * 1000;

}  // namespace

std::string text_of(const EndedSessions& ended, bool with_times) {
  std::string text;
  wire::JsonWriter json(text);
  json.begin_object().member("tokenLife", ended.token_life.count()).key("sessions").begin_array();
  for (const SessionId session : ended.sessions) json.value(session.text());
  json.end_array().key("roles").begin_array();
  for (const RoleChange& change : ended.roles) {
    json.begin_object().member("user", change.user.text()).member("role", text_of(change.role));
    if (with_times && change.changed_at != Instant::max())
      json.member("changedAt", change.changed_at.time_since_epoch().count());
    json.end_object();
  }
  json.end_array().end_object();
  return text;
}

Result<EndedSessions> parse_ended_sessions(std::string_view text) {
  const auto json = wire::parse_json(text);
  if (!json) return tl::unexpected(json.error());
  constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
  EndedSessions ended;
  wire::ObjectReader reader(*json);
  ended.token_life = Millis(reader.integer("tokenLife", 0, 365 * day_ms));
  const auto* const sessions = reader.array("sessions", 0, any);
  const auto* const roles = reader.array("roles", 0, any);
  if (const auto ok = reader.finish(); !ok) return tl::unexpected(ok.error());
  for (const auto& one : *sessions) {
    const auto session = SessionId::parse(one.is_string() ? std::string_view(one.get_string()) : "");
    if (!session) return fail(Code::validation, "a session without an id");
    ended.sessions.push_back(*session);
  }
  for (const auto& one : *roles) {
    wire::ObjectReader entry(one);
    const auto user = UserId::parse(entry.text("user", id_length, id_length));
    const auto role = parse_role(entry.text("role", 1, 16));
    const auto changed_at = entry.optional_integer("changedAt", 0, 1'000 * 365 * day_ms);
    if (const auto ok = entry.finish(); !ok) return tl::unexpected(ok.error());
    if (!user || !role) return fail(Code::validation, "a role of nobody, or none");
    ended.roles.push_back({*user, *role, changed_at ? Instant(Millis(*changed_at)) : Instant::max()});
  }
  return ended;
}

void deny(const EndedSessions& ended, DeniedSessions& denied, Instant wall_now) {
  const Instant until = wall_now + ended.token_life;
  for (const SessionId session : ended.sessions) denied.deny(session, until);
  for (const RoleChange& change : ended.roles) denied.deny_other_roles(change, until);
}

std::string key_holder_token(const wire::AccessTokens& tokens, Instant wall_now) {
  wire::Identity nobody;
  nobody.user = key_holder;
  nobody.expires_at = wall_now + token_time;
  return tokens.sign(nobody, wall_now);
}

bool is_key_holder(const wire::Identity& identity) {
  return identity.user == key_holder;
}

}  // namespace market::auth
