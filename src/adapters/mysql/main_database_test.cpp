#include "adapters/mysql/main_database.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "adapters/mysql/schema.hpp"
#include "adapters/sql/accounts.hpp"
#include "adapters/sql/main_database.hpp"
#include "adapters/sql/main_identity.hpp"
#include "adapters/sql/webhooks.hpp"
#include "tests/support/mysql_database.hpp"
#include "tests/support/run_task.hpp"

namespace market::mysql {
namespace {

/// What it encrypts can be read by one with the same key alone.
class PlainCipher final : public FieldCipher {
 public:
  explicit PlainCipher(std::string key) : key_(std::move(key)) {}
  std::string encrypt(std::string_view plain, std::string_view) const override {
    return key_ + std::string(plain);
  }
  Result<std::string> decrypt(std::string_view stored, std::string_view) const override {
    if (!stored.starts_with(key_)) return fail(Code::internal, "another key");
    return std::string(stored.substr(key_.size()));
  }
  std::string blind_index(std::string_view text) const override {
    return key_ + std::to_string(std::hash<std::string_view>()(text));
  }

 private:
  std::string key_;
};

TEST(MysqlFailure, OfAServerThatIsReadOnlyNowEndsTheConnection) {
  for (const unsigned code : {1290u, 1836u, 2006u, 2013u}) EXPECT_TRUE(Failure(code, "").is_lost()) << code;
  for (const unsigned code : {1062u, 1213u, 1205u}) EXPECT_FALSE(Failure(code, "").is_lost()) << code;
}

class MysqlMainDatabase : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
    made_.emplace();
    database_ = open_main_database(made_->server(), pool_, 2, cipher_);
  }
  ~MysqlMainDatabase() override { pool_.stop(); }

  Result<> write(const std::string& statement) {
    return database_->write_now([&](soci::session& session) -> Result<> {
      session << statement;
      return {};
    });
  }
  long long number(const std::string& query) {
    const auto found = database_->read_now([&](soci::session& session) -> Result<long long> {
      long long value = 0;
      session << query, soci::into(value);
      return value;
    });
    EXPECT_TRUE(found) << found.error().detail;
    return found.value_or(-1);
  }
  void add_account(const std::string& name) {
    Account account;
    account.id = UserId{7};
    account.email = "kim@example.kr";
    account.name = name;
    account.role = Role::customer;
    account.password_hash = "hash";
    EXPECT_TRUE(tests::run(accounts().create(account, std::nullopt)));
  }
  sql::SqlAccounts& accounts() {
    if (!accounts_) accounts_.emplace(*database_, cipher_, clock_);
    return *accounts_;
  }

  BlockingPool pool_{2, 100};
  PlainCipher cipher_{"k1."};
  SystemClock clock_;
  std::optional<tests::MysqlDatabase> made_;
  std::shared_ptr<sql::MainDatabase> database_;
  std::optional<sql::SqlAccounts> accounts_;
};

TEST_F(MysqlMainDatabase, GoesOnWhenItsConnectionsAreCutOff) {
  Session other(made_->server());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(write("INSERT INTO locked_accounts VALUES(" + std::to_string(round) + ", 5)"));
    for (const Row& row :
         other.query("SELECT id FROM information_schema.processlist WHERE db = database() AND id "
                     "<> connection_id()"))
      other.execute("KILL " + row.text(0));
    EXPECT_EQ(number("SELECT count(*) FROM locked_accounts"), round + 1);
  }
}

TEST_F(MysqlMainDatabase, AnInstanceThatWasPausedInAChangeHoldsUpNobodyForLong) {
  Session paused(made_->server());
  paused.begin_use();
  paused.execute("START TRANSACTION");
  paused.query("SELECT only_row FROM one_writer FOR UPDATE");
  paused.execute("INSERT INTO locked_accounts VALUES(1, 5)");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(write("INSERT INTO locked_accounts VALUES(2, 5)"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8));
  EXPECT_THROW(paused.execute("COMMIT"), Failure);
  EXPECT_EQ(number("SELECT count(*) FROM locked_accounts"), 1);
}

TEST_F(MysqlMainDatabase, ChangesOfSeveralInstancesAreMadeOneBehindTheOther) {
  ASSERT_TRUE(write("INSERT INTO locked_accounts VALUES(1, 0)"));
  const auto other = open_main_database(made_->server(), pool_, 2, cipher_);
  constexpr int each = 25;
  const auto count_up = [](sql::MainDatabase& database) {
    for (int i = 0; i < each; ++i) {
      const auto done = database.write_now([](soci::session& session) -> Result<> {
        long long found = 0;
        session << "SELECT locked_at FROM locked_accounts WHERE user_id = 1", soci::into(found);
        ++found;
        session << "UPDATE locked_accounts SET locked_at = :at WHERE user_id = 1", soci::use(found);
        return {};
      });
      EXPECT_TRUE(done) << done.error().detail;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&, i] { count_up(i % 2 == 0 ? *database_ : *other); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(number("SELECT locked_at FROM locked_accounts"), 4 * each);
}

/// For the client library that name is the machine's own socket.
TEST_F(MysqlMainDatabase, LocalhostIsTheServerOfThatPort) {
  Server server = made_->server();
  server.host = "localhost";
  EXPECT_EQ(Session(server).query("SELECT @@port")[0].integer(0), server.port);
  int port = 0;
  *soci_session(server) << "SELECT @@port", soci::into(port);
  EXPECT_EQ(port, server.port);
}

/// Each with keys and an id of its own; all but the first go on as what that one has said.
TEST_F(MysqlMainDatabase, OfSeveralThatStartAtOnceOneSaysWhoseTheRowsAre) {
  constexpr int starters = 6;
  const auto other = open_main_database(made_->server(), pool_, 2, cipher_);
  std::vector<sql::StoreIdentity> told(starters);
  std::vector<std::thread> threads;
  for (int i = 0; i < starters; ++i)
    threads.emplace_back([&, i] {
      const sql::StoreIdentity mine{LogId{7, static_cast<std::uint64_t>(i + 1), 0},
                                    {{"key", std::to_string(i % 2)}, {"key." + std::to_string(i), "new"}}};
      told[i] = sql::claim_identity(i % 2 == 0 ? *database_ : *other, mine);
    });
  for (auto& thread : threads) thread.join();
  const auto there = sql::identity_of(*database_);
  EXPECT_TRUE(there.store);
  for (const auto& one : told) {
    EXPECT_EQ(one.store, there.store);
    EXPECT_EQ(one.key_checks.at("key"), there.key_checks.at("key"));
  }
  EXPECT_EQ(there.key_checks.size(), 1u + starters / 2) << "those with the other key add nothing";
}

/// The engine of the tests speaks no TLS, as one whose offer of it somebody on the way has cut out.
TEST_F(MysqlMainDatabase, WithACaNoConnectionIsMadeInPlainText) {
  Server server = made_->server();
  EXPECT_NO_THROW(soci_session(server));
  server.tls_ca = "/etc/ssl/certs/ca-certificates.crt";
  EXPECT_THROW(Session(server).begin_use(), Failure);
  try {
    soci_session(server);
    FAIL() << "it was made";
  } catch (const soci::soci_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("SSL is required"));
  }
}

/// Another instance changes a large table: that takes longer than any answer otherwise.
TEST_F(MysqlMainDatabase, AStartWaitsForAnotherThatChangesTheSchema) {
  Server server = made_->server();
  Session other(server);
  ASSERT_EQ(other.query("SELECT GET_LOCK(concat(database(), '.schema'), 0)")[0].integer(0), 1);
  std::thread changes([&] { other.query("SELECT SLEEP(2.5), RELEASE_LOCK(concat(database(), '.schema'))"); });
  server.answer_time_max = Millis(1'000);
  EXPECT_NO_THROW(open_main_database(server, pool_, 1, cipher_));
  changes.join();
}

TEST_F(MysqlMainDatabase, AnUnfinishedRestoreIsServedByNobody) {
  Session session(made_->server());
  EXPECT_FALSE(unfinished_restore(session));
  session.execute("INSERT INTO unfinished_restore VALUES(1, 'of an earlier version')");
  EXPECT_EQ(unfinished_restore(session).value().backup, "of an earlier version");
  EXPECT_EQ(unfinished_restore(session).value().topic, "");
  note_restore(session, {"a backup", std::string(249, 't'), "127.0.0.1:3306/records"});
  const auto begun = unfinished_restore(session).value();
  EXPECT_EQ(begun.backup, "a backup");
  EXPECT_EQ(begun.topic, std::string(249, 't'));
  EXPECT_EQ(begun.records, "127.0.0.1:3306/records");
  try {
    open_main_database(made_->server(), pool_, 1, cipher_);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("holds an unfinished restore; run 'market restore' again"));
  }
  forget_restore(session);
  EXPECT_NO_THROW(open_main_database(made_->server(), pool_, 1, cipher_));
}

TEST_F(MysqlMainDatabase, RowsComeOneByOneAndASchemaThatIsMissingOrOlderIsSaid) {
  Session session(made_->server());
  EXPECT_NO_THROW(expect_newest_schema(session));
  std::vector<std::string> seen;
  session.each_row("SELECT 1, 'a', NULL UNION ALL SELECT 2, x'00ff', ''", [&](const Row& row) {
    seen.push_back(fmt::format("{} {} {}", row.integer(0), row.text(1).size(), row.is_null(2)));
  });
  EXPECT_THAT(seen, testing::ElementsAre("1 1 true", "2 2 false"));
  EXPECT_THROW(session.each_row("SELECT nothing", [](const Row&) {}), Failure);
  session.execute("DELETE FROM schema_versions WHERE version > 1");
  EXPECT_THROW(expect_newest_schema(session), std::runtime_error);
  session.execute("DROP TABLE schema_versions");
  try {
    expect_newest_schema(session);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the database holds no market");
  }
}

TEST_F(MysqlMainDatabase, KeysOfAnotherStoreAreRefused) {
  add_account("Kim");
  try {
    open_main_database(made_->server(), pool_, 1, PlainCipher("k2."));
    FAIL() << "it was opened";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("key of another store"));
  }
}

/// Schema 3 knew no owners and no sums of them.
TEST_F(MysqlMainDatabase, WebhooksOfAnOlderProgramAreStillTheOperators) {
  add_account("Kim");
  sql::SqlWebhooks webhooks(*database_, cipher_);
  Webhook old;
  old.id = WebhookId{3};
  old.url = "https://zebulon.example/";
  ASSERT_TRUE(tests::run(webhooks.create(old, {})));
  for (const char* back : {"ALTER TABLE webhooks DROP COLUMN owner_id, DROP COLUMN owner_mac",
                           "DELETE FROM schema_versions WHERE version >= 4"})
    ASSERT_TRUE(write(back));
  EXPECT_THROW(migrate(made_->server()), std::runtime_error) << "nobody could read them afterwards";
  EXPECT_THROW(open_main_database(made_->server(), pool_, 1, PlainCipher("k2.")), std::runtime_error);
  open_main_database(made_->server(), pool_, 1, cipher_);
  const auto found = tests::run(webhooks.list(UserId{}));
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().url, old.url);
  EXPECT_FALSE(found->front().owner);
  EXPECT_EQ(tests::run(webhooks.feeds())->size(), 1u);
  ASSERT_TRUE(write("UPDATE webhooks SET owner_mac = ''"));
  open_main_database(made_->server(), pool_, 1, cipher_);
  EXPECT_TRUE(tests::run(webhooks.feeds())->empty()) << "one that lost its sum later gets none at a start";
}

TEST_F(MysqlMainDatabase, ARoleThatWasWrittenPastTheMarketIsFound) {
  add_account("Kim");
  EXPECT_TRUE(tests::run(accounts().find(UserId{7})));
  ASSERT_TRUE(write("UPDATE accounts SET role = 'admin'"));
  const auto found = tests::run(accounts().find(UserId{7}));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::internal);
  // Nor is it made good by a change that the market makes.
  EXPECT_FALSE(tests::run(accounts().set_role(UserId{1}, UserId{7}, Role::seller, clock_.now())));
}

TEST_F(MysqlMainDatabase, BytesThatAreNoTextAreKeptAsTheyAre) {
  const std::string odd("\xFF\xFE'\"\\;:name\0\n%_--", 18);
  add_account(odd);
  const auto found = tests::run(accounts().find(UserId{7}));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->name, odd);
}

}  // namespace
}  // namespace market::mysql
