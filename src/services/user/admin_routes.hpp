#pragma once
/// The routes of operators to accounts, and to what was written down about operators.

#include "http/server/router.hpp"
#include "ports/account_directory.hpp"
#include "ports/audit_log.hpp"
#include "services/auth/authenticator.hpp"
#include "services/user/change_role.hpp"
#include "services/user/sessions.hpp"

namespace market::user {

/// What the routes use; all of it outlives the server.
struct AdminUserParts {
  const auth::Authenticator& authenticator;
  AccountDirectory& directory;
  AuditLog& audit;
  Sessions& sessions;
  ChangeRole& change_role;
  const Clock& clock;
};

void add_admin_user_routes(http::Router& router, const AdminUserParts& parts,
                           const std::string& base = "/api/v1/admin");

}  // namespace market::user
