#pragma once
/// Operations that change a shop, written down: who, what, with which outcome.
///
///   router.wrap("PATCH /api/v1/products/{id}", audited({authenticator, log, refusals, ids, clock}, name));

#include <memory>
#include <mutex>
#include <unordered_map>

#include "http/server/router.hpp"
#include "ports/audit_log.hpp"
#include "services/auth/authenticator.hpp"

namespace market::auth {

/// How often a seller's operations may be refused: each refusal is a row that stays. Any thread.
class RefusalBudget {
 public:
  static constexpr double refusals_max = 300;    ///< At once,
  static constexpr Millis refusal_pace{10'000};  ///< and then one in this time.

  explicit RefusalBudget(bool enabled) : enabled_(enabled) {}
  /// Before the operation. Errors: rate_limited, with the seconds to wait.
  Result<> expect_left(UserId seller, Instant now);
  void spend(UserId seller, Instant now);

 private:
  static constexpr std::size_t sellers_max = 16'384;  ///< Then those are forgotten who have all of it left.
  struct Left {
    double refusals;
    Instant at;
  };
  static double refilled(const Left& left, Instant now);

  const bool enabled_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, Left> sellers_;
};

/// All of it outlives the server; `refusals`: one for all operations that count together.
struct AuditParts {
  const Authenticator& authenticator;
  AuditLog& log;
  std::shared_ptr<RefusalBudget> refusals;
  IdSource& ids;
  const Clock& clock;
};

/// What Router::wrap() takes. Written down is what a seller or an administrator asks for; everybody else is
/// refused by the operation itself. What cannot be written down is not done.
std::function<http::Handler(http::Handler)> audited(const AuditParts& parts, std::string action);

}  // namespace market::auth
