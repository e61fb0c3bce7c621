#pragma once
/// ports/audit_log.hpp on main.db.

#include "ports/audit_log.hpp"

namespace market::sql {

class MainDatabase;

class SqlAuditLog final : public AuditLog {
 public:
  explicit SqlAuditLog(MainDatabase& database) : database_(database) {}
  Task<> begin(AuditEntry entry) override;
  Task<> finish(AuditId id, int status) override;
  Task<std::vector<AuditEntry>> list(AuditId before, UserId actor, int limit) override;

 private:
  MainDatabase& database_;
};

}  // namespace market::sql
