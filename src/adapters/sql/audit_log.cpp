#include "adapters/sql/audit_log.hpp"

#include "adapters/sql/main_database.hpp"

namespace market::sql {
namespace {

/// Older entries are dropped when another one comes: 400 days.
constexpr Millis audit_kept_max{400LL * 24 * 3'600 * 1'000};

}  // namespace

Task<> SqlAuditLog::begin(AuditEntry entry) {
  return database_.write([entry = std::move(entry)](soci::session& sql) -> Result<> {
    const long long id = entry.id.value, at = entry.at.time_since_epoch().count(), actor = entry.actor.value;
    const std::string role(text_of(entry.role));
    sql << "INSERT INTO audit(id, at, actor_id, role, action, subject, detail, status) "
           "VALUES(:id, :at, :actor, :role, :action, :subject, :detail, 0)",
        soci::use(id), soci::use(at), soci::use(actor), soci::use(role), soci::use(entry.action),
        soci::use(entry.subject), soci::use(entry.detail);
    const long long oldest = first_id_of(entry.at - audit_kept_max);
    sql << "DELETE FROM audit WHERE id < :oldest", soci::use(oldest);
    return {};
  });
}

Task<> SqlAuditLog::finish(AuditId id, int status) {
  return database_.write([id = static_cast<long long>(id.value), status](soci::session& sql) -> Result<> {
    sql << (is_refusal(status)
                ? "UPDATE audit SET status = :status, detail = '' WHERE id = :id AND status = 0"
                : "UPDATE audit SET status = :status WHERE id = :id AND status = 0"),
        soci::use(status), soci::use(id);
    return {};
  });
}

Task<std::vector<AuditEntry>> SqlAuditLog::list(AuditId before, UserId actor, int limit) {
  return database_.read([first = static_cast<long long>(before ? before.value : INT64_MAX),
                         whose = static_cast<long long>(actor.value),
                         limit](soci::session& sql) -> Result<std::vector<AuditEntry>> {
    long long id = 0, at = 0, actor_id = 0;
    std::string role;
    AuditEntry entry;
    soci::statement rows =
        (sql.prepare << "SELECT id, at, actor_id, role, action, subject, detail, status FROM audit "
                        "WHERE id < :first AND (:whose = 0 OR actor_id = :whose) ORDER BY id DESC LIMIT "
                        ":limit",
         soci::use(first, "first"), soci::use(whose, "whose"), soci::use(limit, "limit"), soci::into(id),
         soci::into(at), soci::into(actor_id), soci::into(role), soci::into(entry.action),
         soci::into(entry.subject), soci::into(entry.detail), soci::into(entry.status));
    std::vector<AuditEntry> found;
    rows.execute();
    while (rows.fetch()) {
      entry.id = AuditId{id};
      entry.at = Instant(Millis(at));
      entry.actor = UserId{actor_id};
      entry.role = parse_role(role).value_or(Role::customer);
      found.push_back(entry);
    }
    return found;
  });
}

}  // namespace market::sql
