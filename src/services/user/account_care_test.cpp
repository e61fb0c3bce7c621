#include "services/user/account_care.hpp"

#include <gtest/gtest.h>

#include "services/user/sign_in.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::user {
namespace {

constexpr UserId kim{1}, chief{2};

class MemoryCare final : public AccountCare {
 public:
  explicit MemoryCare(tests::MemoryAccounts& accounts) : accounts_(accounts) {}
  Task<> store_reset(std::string email, VerificationCode code, Instant) override {
    ++calls;
    if (failure) co_return fail(*failure, "asked for");
    codes[email_key(email)].push_back(std::move(code));
    co_return Result<>();
  }
  Task<std::optional<std::vector<SessionId>>> reset_password(std::string email, std::string code,
                                                             std::string hash, Instant now) override {
    const auto known = codes.find(email_key(email));
    if (known == codes.end()) co_return std::nullopt;
    const bool right = std::any_of(known->second.begin(), known->second.end(),
                                   [&](const auto& each) { return each.code == code && each.ends_at > now; });
    if (!right) co_return std::nullopt;
    const auto account = co_await accounts_.find_by_email(std::move(email));
    if (!account) co_return std::nullopt;
    PasswordChange change;
    change.verified_generation = account->password_generation;
    change.hash = std::move(hash);
    auto ended = co_await accounts_.change_password(account->id, std::move(change));
    if (!ended) co_return fail(ended.error());
    codes.erase(known);
    co_return std::move(*ended);
  }
  Task<std::vector<SessionId>> erase(UserId id, std::int64_t generation, Instant) override {
    if (accounts_.all.at(id).password_generation != generation)
      co_return fail(Code::invalid_credentials, "changed meanwhile");
    accounts_.all.erase(id);
    co_return accounts_.end_where([id](const Session& session) { return session.user == id; });
  }
  std::map<std::string, std::vector<VerificationCode>> codes;
  int calls = 0;
  std::optional<Code> failure;

 private:
  tests::MemoryAccounts& accounts_;
};

class AccountCareTest : public testing::Test {
 protected:
  AccountCareTest() {
    add(kim, "kim@example.kr", Role::customer);
    add(chief, "chief@example.kr", Role::admin);
    accounts_.open_sessions.push_back(Session{SessionId{9}, kim, "hash", "", {}, {}, {}, 0});
  }
  void add(UserId id, std::string email, Role role) {
    Account account;
    account.id = id;
    account.email = std::move(email);
    account.role = role;
    account.password_hash = "new:correct horse";
    accounts_.all[id] = account;
  }
  Task<bool> has_products(UserId user) {
    if (products_failure) co_return fail(*products_failure, "asked for");
    co_return user == seller;
  }
  std::string mailed_code() const {
    const std::string& text = mailer_.sent.back().text;
    const std::string_view before = "The code for a new password is ";
    return text.substr(text.find(before) + before.size(), 10);
  }
  Result<> reset(std::string code, std::string password = "purple otter 4711",
                 std::string email = "KIM@example.kr") {
    return tests::run(
        care_.reset_password(std::move(email), std::move(code), std::move(password), "192.0.2.1"));
  }

  Result<> erase(UserId user, std::string password) {
    return tests::run(
        care_.erase(user, std::move(password), "", [this](UserId who) { return has_products(who); }));
  }

  UserId seller;  ///< Has products for sale.
  std::optional<Code> products_failure;
  tests::MovedClock clock_;
  tests::MemoryAccounts accounts_;
  MemoryCare store_{accounts_};
  tests::PlainHasher hasher_;
  tests::KeptMails mailer_;
  tests::CountingRandom random_;
  IdSource ids_{clock_};
  wire::AccessTokens tokens_{{wire::SigningKey{"k", "0123456789abcdef0123456789abcdef-of-a-test"}}};
  auth::DeniedSessions denied_;
  Sessions sessions_{accounts_, tokens_, denied_, random_, ids_, clock_, SessionSettings{}};
  CareForAccount care_{accounts_, store_, hasher_, mailer_, random_, sessions_, clock_};
};

TEST_F(AccountCareTest, ACodeByMailSetsANewPasswordOnceAndEndsAllSessions) {
  ASSERT_TRUE(tests::run(care_.forgot_password("Kim@Example.kr")));
  ASSERT_EQ(mailer_.sent.size(), 1u);
  EXPECT_EQ(mailer_.sent.front().to, "kim@example.kr");
  const std::string code = mailed_code();
  EXPECT_EQ(reset("2222222222").error().code, Code::invalid_code);
  std::string lower = code;
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  ASSERT_TRUE(reset(lower)) << "typed in small letters";
  EXPECT_EQ(accounts_.all.at(kim).password_hash, "new:purple otter 4711");
  EXPECT_TRUE(accounts_.open_sessions.empty());
  EXPECT_TRUE(denied_.is_denied(SessionId{9}, kim, Role::customer));
  EXPECT_EQ(reset(code).error().code, Code::invalid_code) << "used up";
}

TEST_F(AccountCareTest, ACodeEnds) {
  ASSERT_TRUE(tests::run(care_.forgot_password("kim@example.kr")));
  clock_.time += std::chrono::minutes(10);
  EXPECT_EQ(reset(mailed_code()).error().code, Code::invalid_code);
}

TEST_F(AccountCareTest, TellsNobodyWhoHasAnAccount) {
  const auto unknown = tests::run(care_.forgot_password("nobody@example.kr"));
  const auto known = tests::run(care_.forgot_password("kim@example.kr"));
  EXPECT_TRUE(unknown && known);
  EXPECT_EQ(store_.calls, 2) << "the same steps";
  EXPECT_EQ(mailer_.sent.size(), 1u);
  const int hashes = hasher_.hashes;
  EXPECT_EQ(reset("2222222222", "purple otter 4711", "nobody@example.kr").error().code, Code::invalid_code);
  EXPECT_EQ(hasher_.hashes, hashes + 1) << "it takes the same time";
}

TEST_F(AccountCareTest, AWeakPasswordUsesNoCodeUp) {
  ASSERT_TRUE(tests::run(care_.forgot_password("kim@example.kr")));
  EXPECT_EQ(reset(mailed_code(), "password12").error().code, Code::validation);
  EXPECT_TRUE(reset(mailed_code()));
}

TEST_F(AccountCareTest, ASecondCodeVoidsNotTheFirst) {
  ASSERT_TRUE(tests::run(care_.forgot_password("kim@example.kr")));
  const std::string first = mailed_code();
  ASSERT_TRUE(tests::run(care_.forgot_password("kim@example.kr")));
  const std::string second = mailed_code();
  EXPECT_NE(second, first);
  EXPECT_TRUE(reset(first));
  EXPECT_EQ(reset(second).error().code, Code::invalid_code) << "a new password voids them all";
}

TEST_F(AccountCareTest, AFailureUsesNoCodeUp) {
  ASSERT_TRUE(tests::run(care_.forgot_password("kim@example.kr")));
  accounts_.hash_failure = Code::unavailable;
  EXPECT_EQ(reset(mailed_code()).error().code, Code::unavailable);
  accounts_.hash_failure.reset();
  EXPECT_TRUE(reset(mailed_code()));
}

TEST_F(AccountCareTest, WhoeverKnowsThePasswordMayGo) {
  EXPECT_EQ(erase(kim, "wrong horse").error().code, Code::invalid_credentials);
  EXPECT_TRUE(accounts_.all.contains(kim));
  ASSERT_TRUE(erase(kim, "correct horse"));
  EXPECT_FALSE(accounts_.all.contains(kim));
  EXPECT_TRUE(denied_.is_denied(SessionId{9}, kim, Role::customer));
  EXPECT_EQ(erase(kim, "correct horse").error().code, Code::not_found);
  EXPECT_EQ(erase(chief, "correct horse").error().code, Code::forbidden);
}

TEST_F(AccountCareTest, WhoHasProductsForSaleStaysBehindThem) {
  seller = kim;
  EXPECT_EQ(erase(kim, "wrong horse").error().code, Code::invalid_credentials);
  EXPECT_EQ(erase(kim, "correct horse").error().code, Code::products_for_sale);
  seller = UserId{};
  products_failure = Code::unavailable;
  EXPECT_EQ(erase(kim, "correct horse").error().code, Code::unavailable);
  EXPECT_TRUE(accounts_.all.contains(kim));
  products_failure.reset();
  EXPECT_TRUE(erase(kim, "correct horse"));
}

TEST_F(AccountCareTest, SaysWhenAStoreIsAway) {
  store_.failure = Code::unavailable;
  EXPECT_EQ(tests::run(care_.forgot_password("kim@example.kr")).error().code, Code::unavailable);
  hasher_.failure = Code::overloaded;
  EXPECT_EQ(reset("2222222222").error().code, Code::overloaded);
  EXPECT_EQ(erase(kim, "correct horse").error().code, Code::overloaded);
}

}  // namespace
}  // namespace market::user
