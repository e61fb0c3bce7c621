#include "services/user/sign_up.hpp"

#include <gtest/gtest.h>

#include "tests/contract/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::user {
namespace {

using contract::run;

class SignUpTest : public testing::Test {
 protected:
  SignUp with(EmailVerification verification) {
    return SignUp(accounts_, hasher_, mailer_, random_, ids_, clock_, verification);
  }
  Result<Account> sign_up(EmailVerification verification = EmailVerification::optional,
                          std::string password = "correct horse") {
    auto use_case = with(verification);
    NewAccount wanted;
    wanted.email = "kim@example.kr";
    wanted.password = std::move(password);
    wanted.name = "김철수";
    wanted.phone = "010-1234-5678";
    return run(use_case.run(std::move(wanted), "192.0.2.1", [this](std::string) { return may_mail(); }));
  }
  Result<> verify(std::string code, std::string email = "kim@example.kr") {
    auto use_case = with(EmailVerification::optional);
    return run(use_case.verify(std::move(email), std::move(code)));
  }
  Result<> resend(std::string email) {
    auto use_case = with(EmailVerification::optional);
    return run(use_case.resend(std::move(email)));
  }
  /// The six digits of the newest mail.
  std::string mailed_code() const {
    const std::string& text = mailer_.sent.back().text;
    return text.substr(text.find_first_of("0123456789"), 6);
  }

  Task<bool> may_mail() { co_return may_mail_; }

  bool may_mail_ = true;
  tests::MovedClock clock_;
  tests::MemoryAccounts accounts_;
  tests::PlainHasher hasher_;
  tests::KeptMails mailer_;
  tests::CountingRandom random_;
  IdSource ids_{clock_};
};

TEST_F(SignUpTest, MakesACustomerWithAHashedPassword) {
  const auto account = sign_up();
  ASSERT_TRUE(account);
  const Account& stored = accounts_.all.at(account->id);
  EXPECT_EQ(stored.email, "kim@example.kr");
  EXPECT_EQ(stored.name, "김철수");
  EXPECT_EQ(stored.phone, "010-1234-5678");
  EXPECT_EQ(stored.role, Role::customer);
  EXPECT_EQ(stored.password_hash, "new:correct horse");
  EXPECT_EQ(stored.created_at, clock_.now());
}

TEST_F(SignUpTest, RefusesAWeakPasswordBeforeItIsHashed) {
  const auto refused = sign_up(EmailVerification::optional, "password1234");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::validation);
  ASSERT_TRUE(refused.error().extras);
  EXPECT_EQ(refused.error().extras->fields[0].field, "password");
  EXPECT_EQ(hasher_.hashes, 0);
  EXPECT_TRUE(accounts_.all.empty());
}

TEST_F(SignUpTest, APasswordIsTheSameFromEveryKeyboard) {
  const auto account = sign_up(EmailVerification::optional, "cafe\u0301 otter 4711");
  ASSERT_TRUE(account);
  EXPECT_EQ(accounts_.all.at(account->id).password_hash, "new:caf\u00e9 otter 4711");
}

TEST_F(SignUpTest, ATakenAddressGetsNoMailAndKeepsItsAccount) {
  ASSERT_TRUE(sign_up());
  mailer_.sent.clear();
  EXPECT_EQ(sign_up(EmailVerification::optional, "another staple").error().code, Code::email_taken);
  EXPECT_TRUE(mailer_.sent.empty());
  EXPECT_EQ(accounts_.all.size(), 1u);
  EXPECT_EQ(accounts_.all.begin()->second.password_hash, "new:correct horse");
}

TEST_F(SignUpTest, AnAddressThatHasHadEnoughCodesGetsItsAccountAndNoMail) {
  may_mail_ = false;
  const auto account = sign_up();
  ASSERT_TRUE(account);
  EXPECT_TRUE(accounts_.all.contains(account->id));
  EXPECT_TRUE(mailer_.sent.empty());
  ASSERT_TRUE(resend("kim@example.kr"));
  EXPECT_TRUE(verify(mailed_code())) << "by a later one";
}

TEST_F(SignUpTest, TheSettingSaysWhetherAnAddressMustBeProven) {
  EXPECT_TRUE(sign_up(EmailVerification::off)->email_verified);
  EXPECT_TRUE(mailer_.sent.empty());
  for (const auto verification : {EmailVerification::optional, EmailVerification::required}) {
    accounts_.all.clear();
    EXPECT_FALSE(sign_up(verification)->email_verified);
    EXPECT_EQ(mailer_.sent.back().to, "kim@example.kr");
  }
}

TEST_F(SignUpTest, TheMailedCodeProvesTheAddressOnce) {
  const UserId id = sign_up()->id;
  const std::string code = mailed_code();
  EXPECT_EQ(code.find_first_not_of("0123456789"), std::string::npos);
  ASSERT_TRUE(verify(code));
  EXPECT_TRUE(accounts_.all.at(id).email_verified);
  EXPECT_EQ(verify(code).error().code, Code::invalid_code);
}

TEST_F(SignUpTest, ACodeWorksForTenMinutes) {
  ASSERT_TRUE(sign_up());
  clock_.time += std::chrono::minutes(10);
  EXPECT_EQ(verify(mailed_code()).error().code, Code::invalid_code);
  ASSERT_TRUE(resend("kim@example.kr"));
  clock_.time += std::chrono::minutes(10) - Millis(1);
  EXPECT_TRUE(verify(mailed_code()));
}

TEST_F(SignUpTest, ACodeIsNotGuessed) {
  ASSERT_TRUE(sign_up());
  const std::string right = mailed_code();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(verify("not it").error().code, Code::invalid_code);
  EXPECT_EQ(verify(right).error().code, Code::rate_limited);
  EXPECT_FALSE(accounts_.all.begin()->second.email_verified);
  ASSERT_TRUE(resend("kim@example.kr"));
  EXPECT_NE(mailed_code(), right);
  EXPECT_EQ(verify(right).error().code, Code::invalid_code) << "a new code replaces the old one";
  EXPECT_TRUE(verify(mailed_code()));
}

TEST_F(SignUpTest, NobodyLearnsWhichAddressesHaveAnAccount) {
  ASSERT_TRUE(sign_up());
  mailer_.sent.clear();
  for (int i = 0; i < 8; ++i) {
    const auto calls = accounts_.verification_calls;
    const auto wrong = verify("x", "KIM@example.kr"), unknown = verify("x", "nobody@example.kr");
    EXPECT_EQ(wrong.error().code, i < verification_tries_max ? Code::invalid_code : Code::rate_limited);
    EXPECT_EQ(wrong.error().code, unknown.error().code) << i;
    EXPECT_EQ(wrong.error().detail, unknown.error().detail);
    EXPECT_EQ(accounts_.verification_calls, calls + 2) << "the same calls of the store";
  }
  for (const auto* email : {"nobody@example.kr", "Kim@example.kr"}) {
    const auto calls = accounts_.verification_calls;
    EXPECT_TRUE(resend(email));
    EXPECT_EQ(accounts_.verification_calls, calls + 1);
    EXPECT_EQ(verify("x", email).error().code, Code::invalid_code) << "a new code, new tries";
  }
  ASSERT_EQ(mailer_.sent.size(), 1u);
  EXPECT_EQ(mailer_.sent[0].to, "kim@example.kr");
  EXPECT_EQ(hasher_.hashes, 1) << "no password was hashed but that of the account";
}

TEST_F(SignUpTest, AMailerThatFailsTellsNothingAboutAnAccount) {
  ASSERT_TRUE(sign_up());
  mailer_.failure = Code::overloaded;
  EXPECT_TRUE(resend("kim@example.kr"));
  EXPECT_TRUE(resend("nobody@example.kr"));
}

TEST_F(SignUpTest, AProvenAddressGetsNoMoreCodes) {
  ASSERT_TRUE(sign_up());
  ASSERT_TRUE(verify(mailed_code()));
  mailer_.sent.clear();
  EXPECT_TRUE(resend("kim@example.kr"));
  EXPECT_TRUE(mailer_.sent.empty());
}

TEST_F(SignUpTest, AMailThatIsNotSentUndoesNoAccount) {
  mailer_.failure = Code::unavailable;
  const auto account = sign_up();
  ASSERT_TRUE(account);
  mailer_.failure.reset();
  ASSERT_TRUE(resend("kim@example.kr"));
  EXPECT_TRUE(verify(mailed_code()));
}

TEST_F(SignUpTest, AFullHasherMakesNoAccount) {
  hasher_.failure = Code::overloaded;
  EXPECT_EQ(sign_up().error().code, Code::overloaded);
  EXPECT_TRUE(accounts_.all.empty());
}

TEST_F(SignUpTest, TheFirstAdministratorIsMadeOnce) {
  auto use_case = with(EmailVerification::required);
  EXPECT_EQ(run(use_case.create_admin("root@example.kr", "admin")).error().code, Code::validation);
  const auto nobody = run(use_case.create_admin("root", "correct horse"));
  EXPECT_EQ(nobody.error().extras->fields.at(0).field, "MARKET_ADMIN_EMAIL");
  ASSERT_TRUE(run(use_case.create_admin("root@example.kr", "correct horse")));
  ASSERT_EQ(accounts_.all.size(), 1u);
  EXPECT_EQ(accounts_.all.begin()->second.role, Role::admin);
  EXPECT_TRUE(accounts_.all.begin()->second.email_verified);
  ASSERT_TRUE(run(use_case.create_admin("root@example.kr", "another staple")));
  EXPECT_EQ(accounts_.all.begin()->second.password_hash, "new:correct horse") << "a restart changes nothing";
}

TEST_F(SignUpTest, OfTwoInstancesThatStartOneMakesTheAdministratorAndBothGoOn) {
  Account theirs;
  theirs.id = UserId{7};
  theirs.email = "root@example.kr";
  hasher_.while_hashing = [&] { accounts_.all.emplace(theirs.id, theirs); };
  auto use_case = with(EmailVerification::optional);
  const auto created = run(use_case.create_verified("root@example.kr", "correct horse", "Root", Role::admin));
  ASSERT_TRUE(created) << created.error().detail;
  EXPECT_EQ(*created, theirs.id);
  EXPECT_EQ(accounts_.all.size(), 1u);
}

}  // namespace
}  // namespace market::user
