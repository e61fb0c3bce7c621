#pragma once
/// Signing in with a password, and changing it. Unknown accounts and wrong passwords look and take the same.

#include "ports/password_hasher.hpp"
#include "services/user/guess_limiter.hpp"
#include "services/user/sessions.hpp"

namespace market::user {

class SignIn {
 public:
  SignIn(Accounts& accounts, PasswordHasher& hasher, Sessions& sessions, GuessLimiter& limiter,
         const Clock& clock)
      : accounts_(accounts), hasher_(hasher), sessions_(sessions), limiter_(limiter), clock_(clock) {}

  struct Command {
    std::string email, password, device;
    std::string client;  ///< As client_of() says who asks.
  };
  /// Errors: invalid_credentials, rate_limited, overloaded, unavailable.
  Task<SignedIn> run(Command command);
  /// Every session but `current` ends. Errors: invalid_credentials (the current password), validation, as
  /// above.
  Task<> change_password(UserId user, SessionId current, std::string current_password,
                         std::string new_password, std::string client);

 private:
  /// Costs rise over the years; only now is the password at hand. A failure is no failure of the sign-in.
  asio::awaitable<void> rehash(Account account, std::string password, std::string client);

  Accounts& accounts_;
  PasswordHasher& hasher_;
  Sessions& sessions_;
  GuessLimiter& limiter_;
  const Clock& clock_;
};

}  // namespace market::user
