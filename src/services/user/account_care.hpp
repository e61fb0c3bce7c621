#pragma once
/// A new password by mail, and the end of an account.

#include <functional>

#include "ports/account_care.hpp"
#include "ports/mailer.hpp"
#include "ports/password_hasher.hpp"
#include "ports/random_source.hpp"
#include "services/user/sessions.hpp"

namespace market::user {

/// Whether an account has products for sale; false where this process knows nothing of products. Errors:
/// unavailable, overloaded.
using HasProducts = std::function<Task<bool>(UserId)>;

class CareForAccount {
 public:
  CareForAccount(Accounts& accounts, AccountCare& care, PasswordHasher& hasher, Mailer& mailer,
                 RandomSource& random, Sessions& sessions, const Clock& clock)
      : accounts_(accounts),
        care_(care),
        hasher_(hasher),
        mailer_(mailer),
        random_(random),
        sessions_(sessions),
        clock_(clock) {}

  /// Mails a code when there is an account; the caller cannot tell, and neither can a watch: the steps are
  /// the same, and the mail is sent later. Errors: overloaded, unavailable.
  Task<> forgot_password(std::string email);
  /// Every session ends. Errors: validation (the password), invalid_code, rate_limited (after 5 tries),
  /// overloaded, unavailable.
  Task<> reset_password(std::string email, std::string code, std::string password, std::string client);
  /// Errors: invalid_credentials (the password), forbidden (an administrator's account is ended by nobody
  /// alone), products_for_sale (nobody would stand behind them), overloaded, unavailable.
  Task<> erase(UserId user, std::string password, std::string client, HasProducts has_products);

 private:
  Accounts& accounts_;
  AccountCare& care_;
  PasswordHasher& hasher_;
  Mailer& mailer_;
  RandomSource& random_;
  Sessions& sessions_;
  const Clock& clock_;
};

}  // namespace market::user
