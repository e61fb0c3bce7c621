#pragma once
/// How gateways learn which sessions have ended and which roles have changed: what is said at the door that
/// user instances open for them. It opens to whoever holds the keys that sign tokens, and no gateway lets its
/// path through.

#include <vector>

#include "ports/accounts.hpp"
#include "services/auth/denied_sessions.hpp"
#include "wire/auth/access_token.hpp"

namespace market::auth {

/// `?lately=N`: of the last N milliseconds; without it, all whose access tokens might still be alive.
inline constexpr std::string_view ended_sessions_path = "/internal/ended-sessions";

struct EndedSessions {
  Millis token_life{0};  ///< So long from now on their tokens may be alive.
  std::vector<SessionId> sessions;
  std::vector<RoleChange> roles;
};
/// A gateway that sends this reads when each role was changed, too; one of an earlier build would refuse all.
inline constexpr std::string_view reads_role_times = "Market-Role-Times";
std::string text_of(const EndedSessions& ended, bool with_times);
/// Errors: invalid_json, validation.
Result<EndedSessions> parse_ended_sessions(std::string_view text);
void deny(const EndedSessions& ended, DeniedSessions& denied, Instant wall_now);

/// A token of nobody, good for some seconds.
std::string key_holder_token(const wire::AccessTokens& tokens, Instant wall_now);
bool is_key_holder(const wire::Identity& identity);

}  // namespace market::auth
