#pragma once
/// All accounts, as operators look them up. Personal data arrives here in the clear.

#include <optional>
#include <vector>

#include "ports/accounts.hpp"

namespace market {

struct ListedAccount {
  Account account;  ///< Without the password's hash.
  std::optional<Instant> locked_at;
};

struct AccountQuery {
  std::optional<std::string> email;  ///< The whole address; parts of it cannot be found.
  std::optional<Role> role;
  std::optional<bool> locked;
  UserId before;  ///< Only ids below this one; none: from the newest.
  int limit = 20;
};

class AccountDirectory {
 public:
  virtual ~AccountDirectory() = default;
  /// Newest first, without those that cannot be read (`market check` names them). Errors: unavailable,
  /// overloaded (as for all below).
  virtual Task<std::vector<ListedAccount>> list(AccountQuery query) = 0;
  /// Errors: not_found.
  virtual Task<ListedAccount> find(UserId id) = 0;
  /// Nobody signs in to a locked account, and all its sessions end at once: answers those. One that is locked
  /// already stays so. `admin`: as of Accounts::set_role. Errors: forbidden, not_found.
  virtual Task<std::vector<SessionId>> lock(UserId admin, UserId id, Instant now) = 0;
  /// Errors: forbidden.
  virtual Task<> unlock(UserId admin, UserId id) = 0;
};

}  // namespace market
