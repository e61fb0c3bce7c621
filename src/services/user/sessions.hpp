#pragma once
/// Signed-in devices: opens, renews and ends sessions, and denies the access tokens of ended ones.

#include "ports/accounts.hpp"
#include "ports/random_source.hpp"
#include "services/auth/denied_sessions.hpp"
#include "wire/auth/access_token.hpp"
#include "wire/auth/secret_text.hpp"

namespace market::user {

struct SessionSettings {
  Millis access_token_life{15 * 60'000};
  wire::SecretKey refresh_key{};             ///< Refresh tokens follow from one another with it.
  std::chrono::hours session_life{14 * 24};  ///< Absolute; ASVS 7.3.2.
};

struct SignedIn {
  Account account;
  std::string access_token, refresh_token;
  Millis expires_in{};
  Millis session_left{};  ///< The refresh token's.
};

class Sessions {
 public:
  /// `wall`: the clock of today (WallClock). Access tokens are judged by it in every process, and the rows of
  /// sessions in every instance that shares them.
  Sessions(Accounts& accounts, const wire::AccessTokens& tokens, auth::DeniedSessions& denied,
           RandomSource& random, IdSource& ids, const Clock& wall, SessionSettings settings)
      : accounts_(accounts),
        tokens_(tokens),
        denied_(denied),
        random_(random),
        ids_(ids),
        wall_(wall),
        settings_(settings) {}

  /// `account` as it was when its password was verified. Errors: those of Accounts::create_session.
  Task<SignedIn> open(Account account, std::string device, std::string client);
  /// A refresh token works once; all who send it within ten seconds get the same successor, and later an old
  /// one ends its whole session. Errors: session_revoked, unavailable, overloaded.
  Task<SignedIn> renew(std::string refresh_token);
  /// Ends one session, or all. Their access tokens stop at once. Errors: unavailable.
  Task<> end(UserId user, std::optional<SessionId> only);
  /// The access tokens of sessions that have just ended stop.
  void deny(const std::vector<SessionId>& ended);
  /// Access tokens of another role stop: the next ones, after a refresh, have this one.
  void deny_other_roles(const RoleChange& change);
  Task<std::vector<Session>> list(UserId user, SessionId before, int limit) {
    return accounts_.sessions(user, wall_.now(), before, limit);
  }
  /// Denies what was ended or changed while a token of before might live, whatever was set when it was
  /// signed: at start. Errors: unavailable.
  Task<> deny_ended() { return deny_ended(access_token_life_max); }
  /// What was ended or changed in the last so long, also by another instance.
  Task<> deny_ended(Millis lately);

 private:
  std::string new_secret();
  SignedIn signed_in(Account account, SessionId session, std::string refresh_token, Millis left) const;

  Accounts& accounts_;
  const wire::AccessTokens& tokens_;
  auth::DeniedSessions& denied_;
  RandomSource& random_;
  IdSource& ids_;
  const Clock& wall_;
  const SessionSettings settings_;
};

}  // namespace market::user
