/// ports/account_care.hpp: what every adapter must keep.
#include "adapters/sql/account_care.hpp"
#include "adapters/sql/accounts.hpp"
#include "adapters/sql/carts.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

class AccountCareContract : public MainDatabaseContract {
 protected:
  void create(std::int64_t id, std::string email) {
    Account account;
    account.id = UserId{id};
    account.email = std::move(email);
    account.name = "김";
    account.password_hash = "secret";
    ASSERT_TRUE(run(accounts_.create(account, std::nullopt)));
  }
  Result<bool> take(std::string code, std::string email = "kim@example.kr", std::int64_t when = 1) {
    const auto ended = run(care_.reset_password(std::move(email), std::move(code), "fresh", at(when)));
    if (!ended) return fail(ended.error());
    return ended->has_value();
  }
  void store(std::string code, std::int64_t ends = 600) {
    ASSERT_TRUE(run(care_.store_reset("Kim@Example.kr", VerificationCode{std::move(code), at(ends)}, at(0))));
  }

  /// At each address that was tried.
  void set_tries(int tries) {
    ASSERT_TRUE(run(database_.write([tries](soci::session& sql) -> Result<> {
      sql << "UPDATE password_resets SET tries = :tries WHERE tries > 0", soci::use(tries);
      return {};
    })));
  }

  TestClock clock_{at(5)};
  sql::SqlAccounts accounts_{database_, cipher_, clock_};
  sql::SqlCarts carts_{database_};
  sql::SqlWishLists wishes_{database_};
  sql::SqlAccountCare care_{database_, cipher_};
};

TEST_P(AccountCareContract, AResetCodeIsRightOnce) {
  create(1, "kim@example.kr");
  store("ABCDEFGHJK");
  EXPECT_FALSE(*take("ABCDEFGHJL"));
  EXPECT_FALSE(*take("ABCDEFGHJK", "lee@example.kr"));
  EXPECT_TRUE(*take("ABCDEFGHJK"));
  EXPECT_FALSE(*take("ABCDEFGHJK"));
}

TEST_P(AccountCareContract, ARightCodeSetsThePasswordWhicheverItWasAndEndsAllSessions) {
  create(1, "kim@example.kr");
  create(2, "lee@example.kr");
  store("RIGHT");
  ASSERT_TRUE(run(accounts_.change_password(UserId{1}, PasswordChange{0, "meanwhile", SessionId{}})));
  for (const std::int64_t user : {1, 2})
    ASSERT_TRUE(
        run(accounts_.create_session(Session{SessionId{user}, UserId{user}, "hash" + std::to_string(user),
                                             "Firefox", at(0), at(0), at(999), user == 1 ? 1 : 0})));
  EXPECT_FALSE(*take("WRONG"));
  EXPECT_EQ(run(accounts_.find(UserId{1}))->password_hash, "meanwhile");
  const auto ended = run(care_.reset_password("KIM@example.kr", "RIGHT", "fresh", at(1)));
  ASSERT_TRUE(ended && *ended);
  EXPECT_EQ(**ended, std::vector<SessionId>{SessionId{1}});
  const auto kim = run(accounts_.find(UserId{1}));
  EXPECT_EQ(kim->password_hash, "fresh");
  EXPECT_EQ(kim->password_generation, 2);
  EXPECT_EQ(run(accounts_.find(UserId{2}))->password_hash, "secret");
}

TEST_P(AccountCareContract, ACodeIsUsedUpByANewPasswordAlone) {
  create(1, "kim@example.kr");
  store("RIGHT");
  const auto set_name = [this](const std::string& name) {
    return run(database_.write([&](soci::session& sql) -> Result<> {
      sql << "UPDATE accounts SET name = :name WHERE id = 1", soci::use(name);
      return {};
    }));
  };
  ASSERT_TRUE(set_name("cannot be read"));
  EXPECT_EQ(take("RIGHT").error().code, Code::internal);
  ASSERT_TRUE(set_name(cipher_.encrypt("김", "accounts.name.1")));
  EXPECT_TRUE(*take("RIGHT"));
}

TEST_P(AccountCareContract, AResetCodeEndsByItselfAndANewOneVoidsNone) {
  create(1, "kim@example.kr");
  store("FIRST", 600);
  EXPECT_FALSE(*take("FIRST", "kim@example.kr", 600));
  for (const char* right : {"FIRST", "SECOND", "THIRD"}) {
    store("FIRST", 600);
    store("SECOND", 700);
    store("THIRD", 800);
    EXPECT_TRUE(*take(right)) << "whoever asked for the others";
    for (const char* each : {"FIRST", "SECOND", "THIRD"}) EXPECT_FALSE(*take(each)) << "all are used up";
  }
  store("FIRST", 600);
  store("SECOND", 700);
  EXPECT_FALSE(*take("FIRST", "kim@example.kr", 600)) << "its end is its own";
  EXPECT_TRUE(*take("SECOND", "kim@example.kr", 601));
}

TEST_P(AccountCareContract, ResetCodesEndWithTheirAccount) {
  create(1, "kim@example.kr");
  store("FIRST");
  store("SECOND");
  ASSERT_TRUE(run(care_.erase(UserId{1}, 0, at(1))));
  for (const char* each : {"FIRST", "SECOND"}) EXPECT_FALSE(*take(each));
}

TEST_P(AccountCareContract, AResetCodeHasItsTriesWithOrWithoutAnAccount) {
  create(1, "kim@example.kr");
  store("RIGHT");
  for (int i = 0; i < 2 * verification_tries_max; ++i) EXPECT_FALSE(*take("WRONG"));
  EXPECT_TRUE(*take("RIGHT")) << "a stranger's guesses lock nobody out";
  store("RIGHT");
  for (const char* email : {"kim@example.kr", "nobody@example.kr"}) {
    EXPECT_FALSE(*take("WRONG", email));
    set_tries(reset_tries_max - 1);
    EXPECT_FALSE(*take("WRONG", email));
    EXPECT_EQ(take("RIGHT", email).error().code, Code::rate_limited);
  }
  store("ANOTHER");
  EXPECT_TRUE(*take("RIGHT")) << "tries are counted anew";
}

TEST_P(AccountCareContract, ErasesAllOfOneAccount) {
  create(1, "kim@example.kr");
  create(2, "lee@example.kr");
  for (const std::int64_t user : {1, 2}) {
    ASSERT_TRUE(run(accounts_.create_session(Session{
        SessionId{user}, UserId{user}, "hash" + std::to_string(user), "Firefox", at(0), at(0), at(999)})));
    ASSERT_TRUE(run(carts_.put(UserId{user}, CartItem{ProductId{5}, 1}, at(0))));
    ASSERT_TRUE(run(wishes_.put(UserId{user}, Wish{ProductId{5}, at(0)})));
  }
  EXPECT_EQ(run(care_.erase(UserId{1}, 7, at(9))).error().code, Code::invalid_credentials);
  EXPECT_EQ(*run(care_.erase(UserId{1}, 0, at(9))), std::vector<SessionId>{SessionId{1}});
  EXPECT_EQ(run(accounts_.find(UserId{1})).error().code, Code::not_found);
  EXPECT_EQ(run(accounts_.find_by_email("kim@example.kr")).error().code, Code::not_found);
  EXPECT_TRUE(run(carts_.items(UserId{1}))->empty());
  EXPECT_TRUE(run(wishes_.list(UserId{1}, {}, 9))->empty());
  EXPECT_FALSE(run(accounts_.rotate_session("hash1", "next", at(10)))->session);
  EXPECT_EQ(*run(accounts_.ended_since(at(9))), std::vector<SessionId>{SessionId{1}})
      << "a restart must not let its tokens live again";
  EXPECT_EQ(run(care_.erase(UserId{1}, 0, at(9))).error().code, Code::not_found);
  EXPECT_TRUE(run(accounts_.find(UserId{2})));
  EXPECT_EQ(run(carts_.items(UserId{2}))->size(), 1u);
  create(3, "kim@example.kr");  // The address is free again.
}

MARKET_ON_EACH_DATABASE(AccountCareContract);

}  // namespace
}  // namespace market::contract
