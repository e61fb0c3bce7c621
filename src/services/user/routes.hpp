#pragma once
/// The routes of the user service (API.md, Users and sessions).

#include "http/server/router.hpp"
#include "services/auth/authenticator.hpp"
#include "services/user/change_role.hpp"
#include "services/user/sign_in.hpp"
#include "services/user/sign_up.hpp"

namespace market::user {

/// What the routes use; all of it outlives the server.
struct UserParts {
  const auth::Authenticator& authenticator;
  Accounts& accounts;
  SignUp& sign_up;
  SignIn& sign_in;
  Sessions& sessions;
  ChangeRole& change_role;
  GuessLimiter& limiter;
  const Clock& clock;
  /// False: requests come from gateways that are not known as such, so an address says nothing about who
  /// guesses. Limits are those of accounts alone then.
  bool addresses_known = true;
};

void add_user_routes(http::Router& router, const UserParts& parts, const std::string& base = "/api/v1");

}  // namespace market::user
