/// ports/audit_log.hpp: what every adapter must keep.
#include "adapters/sql/audit_log.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

class AuditLogContract : public MainDatabaseContract {
 protected:
  /// Ids sort by time, as an IdSource gives them.
  static AuditId id_of(std::int64_t id) {
    return AuditId{first_id_of(Instant(Millis(1'790'000'000'000))) + id};
  }
  static AuditEntry entry(std::int64_t id, std::int64_t actor) {
    AuditEntry entry;
    entry.at = Instant(Millis(1'790'000'000'000 + id));
    entry.id = id_of(id);
    entry.actor = UserId{actor};
    entry.role = Role::seller;
    entry.action = "PATCH /api/v1/products/{id}";
    entry.subject = "0C3KQ2V8M0G00";
    entry.detail = "{\"name\":\"'; DROP TABLE audit; --\"}";
    return entry;
  }
  std::vector<std::int64_t> ids(AuditId before, UserId actor, int limit) {
    std::vector<std::int64_t> found;
    const auto listed = run(audit_.list(before, actor, limit));
    for (const AuditEntry& each : *listed) found.push_back(each.id.value - id_of(0).value);
    return found;
  }

  sql::SqlAuditLog audit_{database_};
};

TEST_P(AuditLogContract, KeepsWhatWasAskedAndHowItEnded) {
  ASSERT_TRUE(run(audit_.begin(entry(1, 7))));
  AuditEntry found = run(audit_.list({}, {}, 10))->front();
  EXPECT_EQ(found.status, 0) << "not known yet";
  ASSERT_TRUE(run(audit_.finish(id_of(1), 204)));
  ASSERT_TRUE(run(audit_.finish(id_of(1), 500))) << "what is known stays";
  found = run(audit_.list({}, {}, 10))->front();
  const AuditEntry wanted = entry(1, 7);
  EXPECT_EQ(found.status, 204);
  EXPECT_EQ(found.at, wanted.at);
  EXPECT_EQ(found.actor, wanted.actor);
  EXPECT_EQ(found.role, wanted.role);
  EXPECT_EQ(found.action, wanted.action);
  EXPECT_EQ(found.subject, wanted.subject);
  EXPECT_EQ(found.detail, wanted.detail);
}

TEST_P(AuditLogContract, KeepsOfARefusalWhoAskedForWhatAlone) {
  ASSERT_TRUE(run(audit_.begin(entry(1, 7))));
  ASSERT_TRUE(run(audit_.finish(id_of(1), 422)));
  const AuditEntry found = run(audit_.list({}, {}, 10))->front();
  EXPECT_EQ(found.status, 422);
  EXPECT_EQ(found.detail, "");
  EXPECT_EQ(found.action, entry(1, 7).action);
  EXPECT_EQ(found.subject, entry(1, 7).subject);
}

TEST_P(AuditLogContract, DropsWhatIsTooOld) {
  ASSERT_TRUE(run(audit_.begin(entry(1, 7))));
  AuditEntry later = entry(2, 7);
  later.at += Millis(400LL * 24 * 3'600 * 1'000 - 10);
  later.id = AuditId{first_id_of(later.at)};
  ASSERT_TRUE(run(audit_.begin(later)));
  EXPECT_EQ(run(audit_.list({}, {}, 10))->size(), 2u);
  later.at += Millis(20);
  later.id = AuditId{first_id_of(later.at)};
  ASSERT_TRUE(run(audit_.begin(later)));
  EXPECT_EQ(run(audit_.list({}, {}, 10))->size(), 2u) << "the first one is gone";
}

TEST_P(AuditLogContract, IsReadNewestFirstInPages) {
  for (std::int64_t id = 1; id <= 5; ++id) ASSERT_TRUE(run(audit_.begin(entry(id, id % 2))));
  using Ids = std::vector<std::int64_t>;
  EXPECT_EQ(ids({}, {}, 3), (Ids{5, 4, 3}));
  EXPECT_EQ(ids(id_of(3), {}, 3), (Ids{2, 1}));
  EXPECT_EQ(ids({}, UserId{1}, 9), (Ids{5, 3, 1}));
  EXPECT_EQ(ids({}, UserId{9}, 9), Ids{});
}

TEST_P(AuditLogContract, SaysWhenItCannotBeWritten) {
  if (!in_file()) return;
  std::filesystem::rename(folder_.file("main.db"), folder_.file("away"));
  EXPECT_EQ(run(audit_.begin(entry(1, 7))).error().code, Code::unavailable);
}

MARKET_ON_EACH_DATABASE(AuditLogContract);

}  // namespace
}  // namespace market::contract
