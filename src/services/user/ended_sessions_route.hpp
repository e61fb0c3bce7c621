#pragma once
/// What user instances tell gateways: GET /internal/ended-sessions, see services/auth/ended_sessions.hpp.

#include "http/server/router.hpp"
#include "ports/accounts.hpp"
#include "services/auth/authenticator.hpp"

namespace market::user {

/// All of it outlives the server.
struct EndedSessionsParts {
  const auth::Authenticator& authenticator;
  Accounts& accounts;
  const Clock& clock;
};
void add_ended_sessions_route(http::Router& router, const EndedSessionsParts& parts);

}  // namespace market::user
