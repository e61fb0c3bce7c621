#include "services/user/change_role.hpp"

#include <spdlog/spdlog.h>

namespace market::user {

Task<Account> ChangeRole::run(UserId admin, UserId user, Role role) {
  if (user == admin) co_return fail(Code::forbidden, "an administrator's own role is changed by another one");
  auto account = co_await accounts_.set_role(admin, user, role, clock_.now());
  if (!account) co_return fail(account.error());
  sessions_.deny_other_roles({user, account->role, account->role_changed_at});
  spdlog::info("audit: administrator {} gave user {} the role {}", admin.text(), user.text(), text_of(role));
  co_return account;
}

}  // namespace market::user
