/// ports/account_directory.hpp: what every adapter must keep.
#include "adapters/sql/account_directory.hpp"
#include "adapters/sql/accounts.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

class AccountDirectoryContract : public MainDatabaseContract {
 protected:
  AccountDirectoryContract() {
    for (std::int64_t id = 1; id <= 5; ++id) {
      Account account;
      account.id = UserId{id};
      account.email = "User" + std::to_string(id) + "@Example.kr";
      account.name = "김";
      account.role = id == 3 ? Role::seller : id == chief.value ? Role::admin : Role::customer;
      account.password_hash = "secret";
      EXPECT_TRUE(run(accounts_.create(account, std::nullopt)));
    }
  }
  std::vector<std::int64_t> list(AccountQuery query) {
    std::vector<std::int64_t> ids;
    const auto listed = run(directory_.list(query));
    for (const ListedAccount& each : *listed) ids.push_back(each.account.id.value);
    return ids;
  }
  Result<std::vector<SessionId>> open(std::int64_t id, std::int64_t user) {
    return run(accounts_.create_session(Session{SessionId{id}, UserId{user}, "hash" + std::to_string(id),
                                                "Firefox", at(0), at(0), at(1'000)}));
  }
  using Ids = std::vector<std::int64_t>;
  static constexpr UserId chief{5};

  TestClock clock_{at(5)};
  sql::SqlAccounts accounts_{database_, cipher_, clock_};
  sql::SqlAccountDirectory directory_{database_, cipher_};
};

TEST_P(AccountDirectoryContract, ListsNewestFirstWithFilters) {
  AccountQuery query;
  EXPECT_EQ(list(query), (Ids{5, 4, 3, 2, 1}));
  query.limit = 2;
  EXPECT_EQ(list(query), (Ids{5, 4}));
  query.before = UserId{4};
  EXPECT_EQ(list(query), (Ids{3, 2}));
  query = {};
  query.email = "user2@example.KR";
  EXPECT_EQ(list(query), Ids{2}) << "without case";
  query.email = "user";
  EXPECT_EQ(list(query), Ids{}) << "no part of an address";
  query = {};
  query.role = Role::seller;
  EXPECT_EQ(list(query), Ids{3});
}

TEST_P(AccountDirectoryContract, ALockEndsAllSessionsAndLetsNobodyIn) {
  ASSERT_TRUE(open(11, 2) && open(12, 2) && open(13, 3));
  EXPECT_EQ(*run(directory_.lock(chief, UserId{2}, at(9))),
            (std::vector<SessionId>{SessionId{11}, SessionId{12}}));
  EXPECT_EQ(open(14, 2).error().code, Code::invalid_credentials);
  EXPECT_TRUE(open(15, 3));
  EXPECT_FALSE(run(accounts_.rotate_session("hash11", "next", at(10)))->session);
  EXPECT_EQ(run(directory_.find(UserId{2}))->locked_at, at(9));
  EXPECT_TRUE(run(directory_.lock(chief, UserId{2}, at(20)))->empty()) << "locked already";
  EXPECT_EQ(run(directory_.find(UserId{2}))->locked_at, at(9));
  AccountQuery query;
  query.locked = true;
  EXPECT_EQ(list(query), Ids{2});
  query.locked = false;
  EXPECT_EQ(list(query), (Ids{5, 4, 3, 1}));
  ASSERT_TRUE(run(directory_.unlock(chief, UserId{2})));
  ASSERT_TRUE(run(directory_.unlock(chief, UserId{2})));
  EXPECT_TRUE(open(16, 2));
  EXPECT_FALSE(run(directory_.find(UserId{2}))->locked_at);
}

TEST_P(AccountDirectoryContract, OfTwoWhoLockEachOtherOneStays) {
  ASSERT_TRUE(run(accounts_.set_role(chief, UserId{1}, Role::admin, at(1))));
  ASSERT_TRUE(run(directory_.lock(chief, UserId{1}, at(1))));
  EXPECT_EQ(run(directory_.lock(UserId{1}, chief, at(1))).error().code, Code::forbidden);
  EXPECT_EQ(run(directory_.unlock(UserId{1}, UserId{1})).error().code, Code::forbidden);
  EXPECT_EQ(run(accounts_.set_role(UserId{1}, chief, Role::customer, at(1))).error().code, Code::forbidden);
  EXPECT_FALSE(run(directory_.find(chief))->locked_at);
}

TEST_P(AccountDirectoryContract, LeavesOutWhatCannotBeReadAndListsOn) {
  ASSERT_TRUE(run(database_.write([](soci::session& sql) -> Result<> {
    sql << "UPDATE accounts SET name = 'cannot be read' WHERE id = 4";
    return {};
  })));
  AccountQuery query;
  query.limit = 2;
  EXPECT_EQ(list(query), (Ids{5, 3})) << "a whole page";
  query.limit = 20;
  EXPECT_EQ(list(query), (Ids{5, 3, 2, 1}));
  EXPECT_EQ(run(directory_.find(UserId{4})).error().code, Code::internal);
}

TEST_P(AccountDirectoryContract, ShowsNoHash) {
  EXPECT_EQ(run(directory_.find(UserId{1}))->account.password_hash, "");
  EXPECT_EQ(run(directory_.find(UserId{1}))->account.email, "User1@Example.kr");
  EXPECT_EQ(run(directory_.find(UserId{99})).error().code, Code::not_found);
  EXPECT_EQ(run(directory_.lock(chief, UserId{99}, at(0))).error().code, Code::not_found);
}

MARKET_ON_EACH_DATABASE(AccountDirectoryContract);

}  // namespace
}  // namespace market::contract
