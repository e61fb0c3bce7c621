#pragma once
/// Operations that change a shop, written down: who, what, with which outcome.
///
///   router.wrap("PATCH /api/v1/products/{id}", audited({authenticator, log, ids, clock}, name));

#include "http/server/router.hpp"
#include "ports/audit_log.hpp"
#include "services/auth/authenticator.hpp"

namespace market::auth {

/// All of it outlives the server.
struct AuditParts {
  const Authenticator& authenticator;
  AuditLog& log;
  IdSource& ids;
  const Clock& clock;
};

/// What Router::wrap() takes. Written down is what a seller or an administrator asks for; everybody else is
/// refused by the operation itself. What cannot be written down is not done.
std::function<http::Handler(http::Handler)> audited(const AuditParts& parts, std::string action);

}  // namespace market::auth
