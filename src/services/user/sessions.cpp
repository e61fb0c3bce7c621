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
                             Instant now) const {
  SignedIn answer;
  const wire::Identity identity{account.id, session, account.role, account.email_verified,
                                now + settings_.access_token_life};
  answer.access_token = tokens_.sign(identity, now);
  answer.refresh_token = std::move(refresh_token);
  answer.expires_in = settings_.access_token_life;
  answer.account = std::move(account);
  return answer;
}

Task<SignedIn> Sessions::open(Account account, std::string device) {
  const Instant now = clock_.now();
  std::string refresh_token = new_secret();
  Session session;
  session.id = ids_.next_as<SessionId>();
  session.user = account.id;
  session.refresh_hash = wire::secret_hash(refresh_token);
  session.device = std::move(device);
  session.created_at = session.used_at = now;
  session.ends_at = now + settings_.session_life;
  const SessionId id = session.id;
  const auto created = co_await accounts_.create_session(std::move(session));
  if (!created) co_return fail(created.error());
  co_return signed_in(std::move(account), id, std::move(refresh_token), now);
}

Task<SignedIn> Sessions::renew(std::string refresh_token) {
  const Instant now = clock_.now();
  std::string next = new_secret();
  const auto rotated =
      co_await accounts_.rotate_session(wire::secret_hash(refresh_token), wire::secret_hash(next), now);
  if (!rotated) {
    if (rotated.error().code == Code::session_revoked) {
      const auto denied = co_await deny_ended();  // If it was a reused one, its family has just been ended.
      if (!denied) co_return fail(denied.error());
    }
    co_return fail(rotated.error());
  }
  auto account = co_await accounts_.find(rotated->user);
  if (!account) co_return fail(Code::session_revoked, "the account of this session is gone");
  co_return signed_in(std::move(*account), rotated->id, std::move(next), now);
}

Task<> Sessions::end(UserId user, std::optional<SessionId> only, std::optional<SessionId> except) {
  const auto ended = co_await accounts_.end_sessions(user, only, except);
  if (!ended) co_return fail(ended.error());
  const Instant until = clock_.now() + settings_.access_token_life;
  for (const SessionId id : *ended) denied_.deny(id, until);
  co_return Result<>();
}

Task<> Sessions::deny_ended() {
  const Instant now = clock_.now();
  const auto ended = co_await accounts_.ended_since(now - settings_.access_token_life);
  if (!ended) co_return fail(ended.error());
  for (const SessionId id : *ended) denied_.deny(id, now + settings_.access_token_life);
  co_return Result<>();
}

}  // namespace market::user
