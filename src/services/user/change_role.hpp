#pragma once
/// An administrator gives a user another role: customer, seller or admin.

#include "services/user/sessions.hpp"

namespace market::user {

class ChangeRole {
 public:
  ChangeRole(Accounts& accounts, Sessions& sessions, const Clock& clock)
      : accounts_(accounts), sessions_(sessions), clock_(clock) {}

  /// The role holds from the user's next access token; those of the role before stop at once. Its sessions go
  /// on. `admin`: who asks; leaves a line in the log. Errors: not_found, forbidden (one's own role: the last
  /// administrator must not shut everybody out; no longer one), unavailable, overloaded.
  Task<Account> run(UserId admin, UserId user, Role role);

 private:
  Accounts& accounts_;
  Sessions& sessions_;
  const Clock& clock_;
};

}  // namespace market::user
