#pragma once
/// Signed-in devices: opens, renews and ends sessions, and denies the access tokens of ended ones.

#include "ports/accounts.hpp"
#include "ports/random_source.hpp"
#include "services/auth/denied_sessions.hpp"
#include "wire/auth/access_token.hpp"

namespace market::user {

struct SessionSettings {
  Millis access_token_life{15 * 60'000};
  std::chrono::hours session_life{14 * 24};  ///< Absolute; ASVS 7.3.2.
};

struct SignedIn {
  Account account;
  std::string access_token, refresh_token;
  Millis expires_in{};
};

class Sessions {
 public:
  Sessions(Accounts& accounts, const wire::AccessTokens& tokens, auth::DeniedSessions& denied,
           RandomSource& random, IdSource& ids, const Clock& clock, SessionSettings settings)
      : accounts_(accounts),
        tokens_(tokens),
        denied_(denied),
        random_(random),
        ids_(ids),
        clock_(clock),
        settings_(settings) {}

  /// Errors: those of Accounts::create_session.
  Task<SignedIn> open(Account account, std::string device);
  /// A refresh token works once; an old one ends its whole session. Errors: session_revoked, unavailable.
  Task<SignedIn> renew(std::string refresh_token);
  /// Ends one session, or all (but `except`). Their access tokens stop at once. Errors: unavailable.
  Task<> end(UserId user, std::optional<SessionId> only, std::optional<SessionId> except);
  Task<std::vector<Session>> list(UserId user) { return accounts_.sessions(user, clock_.now()); }
  /// Denies what was ended lately: at start, and after a stolen refresh token was seen. Errors: unavailable.
  Task<> deny_ended();

 private:
  std::string new_secret();
  SignedIn signed_in(Account account, SessionId session, std::string refresh_token, Instant now) const;

  Accounts& accounts_;
  const wire::AccessTokens& tokens_;
  auth::DeniedSessions& denied_;
  RandomSource& random_;
  IdSource& ids_;
  const Clock& clock_;
  const SessionSettings settings_;
};

}  // namespace market::user
