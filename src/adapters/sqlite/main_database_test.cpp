#include "adapters/sqlite/main_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "adapters/sqlite/open_main.hpp"
#include "adapters/sqlite/row_mac.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::sqlite {
namespace {

using testing::HasSubstr;

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
  std::string blind_index(std::string_view text) const override { return key_ + std::string(text); }

 private:
  std::string key_;
};

class MainDatabaseFile : public testing::Test {
 protected:
  ~MainDatabaseFile() override { pool_.stop(); }
  Result<> write(std::string sql) {
    auto writing = database_.write([sql = std::move(sql)](soci::session& session) -> Result<> {
      session << sql;
      return {};
    });
    io_.restart();
    auto answer = asio::co_spawn(io_, std::move(writing), asio::use_future);
    io_.run();
    return answer.get();
  }
  std::string refusal(const FieldCipher& cipher) try {
    const MainDatabase again(path_, pool_, 1, cipher);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  int wrong_sums() {
    return *database_.read_now([](soci::session& session) -> Result<int> {
      int accounts = 0, sessions = 0;
      session << fmt::format("SELECT count(*) FROM accounts WHERE mac <> {}", account_mac),
          soci::into(accounts);
      session << fmt::format("SELECT count(*) FROM sessions WHERE mac <> {}", session_mac),
          soci::into(sessions);
      return accounts + sessions;
    });
  }
  const std::string add_account =
      "INSERT INTO accounts(id, email_index, email, name, role, email_verified, password_hash, created_at) "
      "VALUES(1, 'k1.a@b.kr', 'k1.A@b.kr', 'k1.Kim', 'customer', 0, 'hash', 5)";
  tests::TempFolder folder_;
  std::string path_ = folder_ / "main.db";
  asio::io_context io_;
  BlockingPool pool_{1, 10};
  PlainCipher cipher_{"k1."};
  MainDatabase database_{path_, pool_, 1, cipher_};
};

TEST_F(MainDatabaseFile, AFullDiskIsSaidAndChangesNothing) {
  ASSERT_TRUE(write("CREATE TABLE blobs(bytes)"));
  ASSERT_TRUE(write("PRAGMA max_page_count=1"));  // SQLite takes the present size instead.
  const auto stored = write("INSERT INTO blobs VALUES(zeroblob(100000))");
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, Code::insufficient_storage);
  const auto count = database_.read_now([](soci::session& session) -> Result<int> {
    int rows = -1;
    session << "SELECT count(*) FROM blobs", soci::into(rows);
    return rows;
  });
  EXPECT_EQ(*count, 0);
}

TEST_F(MainDatabaseFile, OneFromBeforeTheFirstReleaseIsRefused) {
  ASSERT_TRUE(write("PRAGMA user_version=3"));
  try {
    const MainDatabase older(path_, pool_, 1, cipher_);
    FAIL() << "it was opened";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("by a version before the first release"));
  }
}

TEST_F(MainDatabaseFile, OneThatNoProgramHasWrittenIsRefused) {
  ASSERT_TRUE(write("PRAGMA user_version=-1"));
  EXPECT_THAT(refusal(cipher_), HasSubstr("which no program has written"));
}

TEST_F(MainDatabaseFile, KeysOfAnotherStoreAreRefused) {
  ASSERT_TRUE(write(add_account));
  EXPECT_EQ(refusal(cipher_), "");
  EXPECT_THAT(refusal(PlainCipher("k2.")), HasSubstr("key of another store"));
}

TEST_F(MainDatabaseFile, KnowsItsStore) {
  EXPECT_EQ(sql::identity_of(database_), sql::StoreIdentity{});
  const sql::StoreIdentity known{LogId{~0ULL, 7, 0}, {{"token-signing", "sum"}, {"field-index", "other"}}};
  sql::set_identity(database_, known);
  EXPECT_EQ(sql::identity_of(database_), known);
  sql::StoreIdentity other{LogId{1, 2, 0}, {{"field-index", "foreign"}, {"new", "sum"}}};
  EXPECT_EQ(sql::claim_identity(database_, other), known) << "another key: nothing is written";
  other.key_checks["field-index"] = "other";
  auto with_new = known;
  with_new.key_checks["new"] = "sum";
  EXPECT_EQ(sql::claim_identity(database_, other), with_new);
  EXPECT_EQ(sql::identity_of(database_), with_new);
}

TEST_F(MainDatabaseFile, EveryWayToWriteKeepsTheSumRight) {
  for (const std::string& change :
       {add_account, std::string("UPDATE accounts SET role = 'seller'"),
        std::string("UPDATE accounts SET email_verified = 1"),
        std::string("UPDATE accounts SET password_hash = 'other', password_generation = 2"),
        std::string("UPDATE accounts SET id = 2, name = 'k1.other'"),
        std::string("INSERT INTO sessions(id, user_id, refresh_hash, device, created_at, used_at, ends_at) "
                    "VALUES(1, 1, 'ab', 'd', 1, 1, 9)"),
        std::string("UPDATE sessions SET refresh_hash = 'cd', used_at = 5"),
        std::string("UPDATE sessions SET ended_at = 4")}) {
    ASSERT_TRUE(write(change)) << change;
    EXPECT_EQ(wrong_sums(), 0) << change;
  }
  ASSERT_TRUE(write("DROP TRIGGER accounts_changed"));
  ASSERT_TRUE(write("UPDATE accounts SET role = 'admin'"));
  EXPECT_EQ(wrong_sums(), 1);
}

}  // namespace
}  // namespace market::sqlite
