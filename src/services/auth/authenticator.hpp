#pragma once
/// Who a request comes from: each service checks the token itself and trusts no identity header.

#include <span>

#include "base/time.hpp"
#include "http/message/message.hpp"
#include "services/auth/denied_sessions.hpp"
#include "wire/auth/access_token.hpp"

namespace market::auth {

class Authenticator {
 public:
  /// `wall`: the clock of today (WallClock). Tokens are made and judged by it in every process, so that one
  /// that started with a wrong clock is right as soon as its clock is.
  Authenticator(const wire::AccessTokens& tokens, const DeniedSessions& denied, const Clock& wall)
      : tokens_(tokens), denied_(denied), wall_(wall) {}
  /// From `Authorization: Bearer` (exactly one; the scheme compares without case), else from the access
  /// cookie of a web page, which counts only for the user that `Market-User` names, if it is there.
  /// Errors: unauthenticated, forbidden (the cookie alone, with what changes something).
  Result<wire::Identity> identify(const http::Request& request) const;
  /// Likewise, but from whichever page a cookie comes: whose limits it counts for, not what he may do.
  /// Errors: unauthenticated.
  Result<wire::Identity> whose(const http::Request& request) const;
  /// As above. Errors also: forbidden, when the role is none of `roles`.
  Result<wire::Identity> require(const http::Request& request, std::span<const Role> roles) const;
  Result<wire::Identity> require(const http::Request& request, std::initializer_list<Role> roles) const {
    return require(request, std::span(roles.begin(), roles.size()));
  }
  /// False when the token has ended, its session is over or its key was retired: a stream that it opened ends
  /// then too.
  bool still_holds(const wire::Identity& identity) const;

 private:
  bool is_denied(const wire::Identity& identity) const {
    return denied_.is_denied(identity.session, identity.user, identity.role, identity.role_changed_at);
  }
  const wire::AccessTokens& tokens_;
  const DeniedSessions& denied_;
  const Clock& wall_;
};

}  // namespace market::auth
