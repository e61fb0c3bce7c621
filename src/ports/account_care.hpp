#pragma once
/// What its owner may do to an account without knowing the password any more, and its end.

#include "ports/accounts.hpp"

namespace market {

class AccountCare {
 public:
  virtual ~AccountCare() = default;
  /// The code that lets whoever reads the mails of this address set a new password; replaces an older one.
  /// The same for an address without an account. Errors: unavailable, overloaded (as for all below).
  virtual Task<> store_reset(std::string email, VerificationCode code, Instant now) = 0;
  /// Counts a try and answers whether `code` is the stored, unexpired one; then it is forgotten. The same for
  /// an address without a code, which is never right. Errors: rate_limited after verification_tries_max
  /// tries.
  virtual Task<bool> take_reset(std::string email, std::string code, Instant now) = 0;
  /// The account with its personal data, sessions, cart, wish list and codes is gone, at once; orders stay,
  /// under an id that names nobody. Answers the sessions that ended. Errors: not_found; invalid_credentials,
  /// when the verified password is no longer the current one.
  virtual Task<std::vector<SessionId>> erase(UserId id, std::int64_t verified_generation, Instant now) = 0;
};

}  // namespace market
