#pragma once
/// Who asked for what, of those who may change a shop: kept for its owners, never changed.

#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/task.hpp"
#include "domain/account/role.hpp"

namespace market {

using AuditId = Id<struct AuditTag>;

struct AuditEntry {
  AuditId id;
  Instant at{};
  UserId actor;
  Role role = Role::admin;
  std::string action;   ///< The operation: `PATCH /api/v1/products/{id}`.
  std::string subject;  ///< The id in its path; empty: none.
  std::string detail;   ///< What was sent with it, cut; nothing of a refusal or a webhook.
  int status = 0;       ///< Of the answer; 0: it is not known what became of it.
};
inline constexpr std::size_t audit_detail_bytes_max = 2'000;

/// Nothing has happened.
inline bool is_refusal(int status) {
  return status >= 400 && status < 500;
}

class AuditLog {
 public:
  virtual ~AuditLog() = default;
  /// Before it is carried out: what cannot be written down is not done. Entries of 400 days ago are dropped,
  /// and the detail of one that ends as a refusal. Errors: unavailable, overloaded (as for all below).
  virtual Task<> begin(AuditEntry entry) = 0;
  virtual Task<> finish(AuditId id, int status) = 0;
  /// Newest first, from the one behind `before` (none: the newest); `actor`: none: everybody.
  virtual Task<std::vector<AuditEntry>> list(AuditId before, UserId actor, int limit) = 0;
};

}  // namespace market
