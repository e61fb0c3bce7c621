#pragma once
/// New accounts and the proof that their e-mail address is theirs.

#include <functional>

#include "ports/accounts.hpp"
#include "ports/mailer.hpp"
#include "ports/password_hasher.hpp"
#include "ports/random_source.hpp"

namespace market::user {

enum class EmailVerification : std::uint8_t { off, optional, required };

struct NewAccount {
  std::string email, password, name;
  std::optional<std::string> phone, address;
  Role role = Role::customer;
};

/// Whether a mail with a code may go to this address. Errors: as of Accounts; it may not then.
using MayMailTo = std::function<Task<bool>(std::string email)>;

class SignUp {
 public:
  SignUp(Accounts& accounts, PasswordHasher& hasher, Mailer& mailer, RandomSource& random, IdSource& ids,
         const Clock& clock, EmailVerification verification)
      : accounts_(accounts),
        hasher_(hasher),
        mailer_(mailer),
        random_(random),
        ids_(ids),
        clock_(clock),
        verification_(verification) {}

  /// `client`: limit_address() of who asks. `may_mail` is asked once there is an account; without a mail its
  /// address can be proven by a later code. Errors: validation (the password), email_taken, overloaded,
  /// unavailable.
  Task<Account> run(NewAccount wanted, std::string client, MayMailTo may_mail);
  /// An account whose address needs no proof; fine when it exists. Errors: validation, overloaded,
  /// unavailable.
  Task<> create_admin(std::string email, std::string password);
  /// The same for any role, without a mail; whose it is. Errors: as above.
  Task<UserId> create_verified(std::string email, std::string password, std::string name, Role role);
  /// Errors: invalid_code, rate_limited (after 5 tries), unavailable.
  Task<> verify(std::string email, std::string code);
  /// Sends a new code when there is an unverified account; the caller cannot tell, and neither can a watch:
  /// the steps are the same, and the mail is sent later. Errors: overloaded, unavailable.
  Task<> resend(std::string email);

 private:
  VerificationCode new_code();
  void mail_code(const Account& account, const VerificationCode& code);

  Accounts& accounts_;
  PasswordHasher& hasher_;
  Mailer& mailer_;
  RandomSource& random_;
  IdSource& ids_;
  const Clock& clock_;
  const EmailVerification verification_;
};

}  // namespace market::user
