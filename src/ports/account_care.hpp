#pragma once
/// What its owner may do to an account without knowing the password any more, and its end.

#include "ports/accounts.hpp"

namespace market {

/// Of one address, since the last code was sent to it. A code of 50 bits bears them; five of a stranger's
/// must not lock out whoever has the right one.
inline constexpr int reset_tries_max = 10'000;

class AccountCare {
 public:
  virtual ~AccountCare() = default;
  /// A code that lets whoever reads the mails of this address set a new password; older ones stay good until
  /// they end. The same for an address without an account. Errors: unavailable, overloaded (as for all
  /// below).
  virtual Task<> store_reset(std::string email, VerificationCode code, Instant now) = 0;
  /// Counts a try. When `code` is a stored, unexpired one, at once: `hash` is the account's password,
  /// whichever it had, all codes of the address are forgotten and all its sessions end; answers those. Else
  /// nothing: also for an address without a code or an account. Errors: rate_limited after reset_tries_max
  /// tries.
  virtual Task<std::optional<std::vector<SessionId>>> reset_password(std::string email, std::string code,
                                                                     std::string hash, Instant now) = 0;
  /// The account with its personal data, sessions, cart, wish list and codes is gone, at once; orders stay,
  /// under an id that names nobody. Answers the sessions that ended. Errors: not_found; forbidden (an
  /// administrator's); invalid_credentials, when the verified password is no longer the current one.
  virtual Task<std::vector<SessionId>> erase(UserId id, std::int64_t verified_generation, Instant now) = 0;
};

}  // namespace market
