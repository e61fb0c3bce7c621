#include "services/user/sessions.hpp"

#include <array>

#include "wire/auth/secret_text.hpp"

namespace market::user {

std::string Sessions::new_secret() {
  std::array<std::uint8_t, 32> bytes;
  random_.fill(bytes);
  return wire::secret_text(bytes);
}

SignedIn Sessions::signed_in(Account account, SessionId session, std::string refresh_token,
                             Millis left) const {
  SignedIn answer;
  const Instant now = wall_.now();
  wire::Identity identity{account.id, session, account.role, account.email_verified,
                          now + settings_.access_token_life};
  // Later nobody remembers the role before, and instances of an earlier build read such a token.
  if (now - account.role_changed_at < access_token_life_max)
    identity.role_changed_at = account.role_changed_at;
  answer.access_token = tokens_.sign(identity, now);
  answer.refresh_token = std::move(refresh_token);
  answer.session_left = left;
  answer.expires_in = settings_.access_token_life;
  answer.account = std::move(account);
  return answer;
}

Task<SignedIn> Sessions::open(Account account, std::string device, std::string client) {
  const Instant now = wall_.now();
  std::string refresh_token = new_secret();
  Session session;
  session.id = ids_.next_as<SessionId>();
  session.user = account.id;
  session.refresh_hash = wire::secret_hash(refresh_token);
  session.device = std::move(device);
  session.client = std::move(client);
  session.created_at = session.used_at = now;
  session.ends_at = now + settings_.session_life;
  session.password_generation = account.password_generation;
  const SessionId id = session.id;
  const auto ended = co_await accounts_.create_session(std::move(session));
  if (!ended) co_return fail(ended.error());
  deny(*ended);
  co_return signed_in(std::move(account), id, std::move(refresh_token), settings_.session_life);
}

Task<SignedIn> Sessions::renew(std::string refresh_token) {
  std::string next = wire::derived_secret(settings_.refresh_key, refresh_token);
  std::string old_hash = wire::secret_hash(refresh_token), new_hash = wire::secret_hash(next);
  auto rotation = co_await accounts_.rotate_session(std::move(old_hash), std::move(new_hash), wall_.now());
  if (!rotation) co_return fail(rotation.error());
  if (rotation->ended) deny({rotation->ended});
  if (!rotation->session) co_return fail(Code::session_revoked, "this session has ended");
  const Millis left = rotation->session->ends_at - wall_.now();
  co_return signed_in(std::move(rotation->account), rotation->session->id, std::move(next), left);
}

Task<> Sessions::end(UserId user, std::optional<SessionId> only) {
  const auto ended = co_await accounts_.end_sessions(user, only);
  if (!ended) co_return fail(ended.error());
  deny(*ended);
  co_return Result<>();
}

void Sessions::deny(const std::vector<SessionId>& ended) {
  const Instant until = wall_.now() + access_token_life_max;
  for (const SessionId id : ended) denied_.deny(id, until);
}

void Sessions::deny_other_roles(const RoleChange& change) {
  denied_.deny_other_roles(change, wall_.now() + access_token_life_max);
}

Task<> Sessions::deny_ended(Millis lately) {
  const Instant since = wall_.now() - lately;
  const auto ended = co_await accounts_.ended_since(since);
  if (!ended) co_return fail(ended.error());
  deny(*ended);
  const auto changed = co_await accounts_.roles_changed_since(since);
  if (!changed) co_return fail(changed.error());
  for (const RoleChange& change : *changed) deny_other_roles(change);
  co_return Result<>();
}

}  // namespace market::user
