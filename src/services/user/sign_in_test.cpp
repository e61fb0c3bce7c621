#include "services/user/sign_in.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "services/auth/authenticator.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::user {
namespace {

using contract::run;

class SignInTest : public testing::Test {
 protected:
  SignInTest() {
    Account account;
    account.id = UserId{7};
    account.email = "kim@example.kr";
    account.password_hash = "new:correct horse";
    accounts_.all.emplace(account.id, account);
  }
  static SignIn::Command command(std::string email, std::string password, std::string address) {
    return {std::move(email), std::move(password), "Firefox", std::move(address)};
  }
  Result<SignedIn> sign_in(std::string email, std::string password, std::string address = "192.0.2.1") {
    return run(sign_in_.run(command(std::move(email), std::move(password), std::move(address))));
  }
  Result<SignedIn> guess(std::string address = "192.0.2.1") {
    return sign_in("kim@example.kr", "wrong password", std::move(address));
  }
  Result<> change(std::string current, std::string next, SessionId session = SessionId{}) {
    return run(
        sign_in_.change_password(UserId{7}, session, std::move(current), std::move(next), "192.0.2.1"));
  }
  const std::string& stored_hash() { return accounts_.all.at(UserId{7}).password_hash; }

  tests::MovedClock clock_;
  tests::MemoryAccounts accounts_;
  tests::PlainHasher hasher_;
  tests::CountingRandom random_;
  IdSource ids_{clock_};
  wire::AccessTokens tokens_{{wire::SigningKey{"k", "0123456789abcdef0123456789abcdef"}}};
  auth::DeniedSessions denied_;
  Sessions sessions_{accounts_, tokens_, denied_, random_, ids_, clock_, SessionSettings{}};
  GuessLimiter limiter_{true, wire::DigestKey{1}};
  SignIn sign_in_{accounts_, hasher_, sessions_, limiter_, clock_};
};

TEST_F(SignInTest, OpensASessionOfThisUserAndDevice) {
  const auto signed_in = sign_in("kim@example.kr", "correct horse");
  ASSERT_TRUE(signed_in);
  const auto identity = tokens_.verify(signed_in->access_token, clock_.now());
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->user, UserId{7});
  ASSERT_EQ(accounts_.open_sessions.size(), 1u);
  EXPECT_EQ(accounts_.open_sessions[0].id, identity->session);
  EXPECT_EQ(accounts_.open_sessions[0].device, "Firefox");
  EXPECT_NE(accounts_.open_sessions[0].refresh_hash, signed_in->refresh_token) << "only its hash is stored";
}

TEST_F(SignInTest, ADecomposedPasswordSignsIn) {
  accounts_.all.at(UserId{7}).password_hash = "new:caf\u00e9 otter 4711";
  EXPECT_TRUE(sign_in("kim@example.kr", "cafe\u0301 otter 4711"));
  ASSERT_TRUE(change("cafe\u0301\u00a0otter 4711", "cafe\u0301 battery staple"));
  EXPECT_EQ(stored_hash(), "new:caf\u00e9 battery staple");
}

TEST_F(SignInTest, AnUnknownAddressAndAWrongPasswordLookTheSame) {
  const auto unknown = sign_in("nobody@example.kr", "correct horse"), wrong = guess();
  ASSERT_FALSE(unknown);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(unknown.error().code, Code::invalid_credentials);
  EXPECT_EQ(wrong.error().code, unknown.error().code);
  EXPECT_EQ(wrong.error().detail, unknown.error().detail);
  EXPECT_EQ(hasher_.verified, (std::vector<std::string>{"", "new:correct horse"}))
      << "both compare a password: the same time";
  EXPECT_TRUE(accounts_.open_sessions.empty());
}

TEST_F(SignInTest, AfterFiveFailuresTheRightPasswordIsNotTriedEither) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(guess().error().code, Code::invalid_credentials);
  const auto compared = hasher_.verified.size();
  const auto limited = sign_in("KIM@example.KR", "correct horse");
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().code, Code::rate_limited) << "capitals are no way around it";
  EXPECT_EQ(limited.error().extras->retry_after_seconds, 30);
  EXPECT_EQ(hasher_.verified.size(), compared) << "it costs no hashing";
  clock_.time += Millis(30'000);
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse"));
}

TEST_F(SignInTest, AStrangersGuessesNeverLockTheOwnerOut) {
  for (int i = 0; i < 10; ++i) guess("203.0.113.9");
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse", "192.0.2.1"));
}

TEST_F(SignInTest, StrangersTogetherHaveAHundredGuessesAnHourAndTheOwnerIsNotLockedOut) {
  ASSERT_TRUE(sign_in("kim@example.kr", "correct horse", "192.0.2.1")) << "where the owner is";
  const auto crowd = [this](const std::string& email, int from) {
    int compared = 0;
    for (int i = 0; i < 300; ++i) {
      const auto address = "198.51." + std::to_string(from + i / 250) + '.' + std::to_string(i % 250);
      compared += sign_in(email, "wrong password", address).error().code == Code::invalid_credentials;
    }
    return compared;
  };
  const int known = crowd("kim@example.kr", 0), unknown = crowd("nobody@example.kr", 4);
  EXPECT_EQ(known, unknown) << "nobody learns which of the two has an account";
  int within_an_hour = known;
  for (int i = 1; i <= 60; ++i) {
    clock_.time += Millis(60'000);
    within_an_hour += guess("203.0." + std::to_string(i) + ".1").error().code == Code::invalid_credentials;
  }
  EXPECT_GE(within_an_hour, 60);
  EXPECT_LE(within_an_hour, 100);
  crowd("KIM@example.kr", 10);
  EXPECT_EQ(sign_in("kim@example.kr", "correct horse", "203.0.113.77").error().code, Code::rate_limited)
      << "nor is the right password told from a wrong one";
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse", "192.0.2.1"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(guess("192.0.2.1").error().code, Code::invalid_credentials);
}

/// Until it has failed, a try under way counts among the account's successes.
TEST_F(SignInTest, GuessesThatAreUnderWayDoNotHoldUpTheOwner) {
  ASSERT_TRUE(sign_in("kim@example.kr", "correct horse")) << "where the owner is";
  int under_way = 0;
  std::optional<Result<SignedIn>> owners;
  hasher_.while_verifying = [&] {
    if (owners || under_way == 29) return;
    if (++under_way < 29)
      guess("198.51.100." + std::to_string(under_way));
    else
      owners = sign_in("kim@example.kr", "correct horse");
  };
  guess("198.51.99.1");
  ASSERT_TRUE(owners) << under_way;
  EXPECT_TRUE(*owners);
}

TEST_F(SignInTest, OneAddressGuessesAtFewAccounts) {
  int tried = 0;
  for (int i = 0; i < 100; ++i) {
    const auto refused = sign_in("user" + std::to_string(i) + "@example.kr", "spring2026!");
    tried += refused.error().code == Code::invalid_credentials;
  }
  EXPECT_EQ(tried, 60);
  EXPECT_FALSE(sign_in("a@example.kr", "x", "192.0.2.1"));
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse", "192.0.2.2"));
}

TEST_F(SignInTest, SuccessesHaveABudgetOfTheirOwn) {
  int worked = 0;
  for (int i = 0; i < 200; ++i) worked += sign_in("kim@example.kr", "correct horse").has_value();
  EXPECT_EQ(worked, 31) << "one account in a loop does not hash for ever; the first was from elsewhere";
  EXPECT_EQ(hasher_.verified.size(), 31u);
  for (int i = 0; i < 4; ++i) {
    clock_.time += Millis(2'000);
    EXPECT_TRUE(sign_in("KIM@example.kr", "correct horse")) << "no success was counted as a guess";
  }
  EXPECT_EQ(sign_in("nobody@example.kr", "x").error().code, Code::invalid_credentials) << "another's budget";
}

TEST_F(SignInTest, OfSixtyGuessesAtOnceFiveReachTheHash) {
  std::vector<Code> inner;
  int depth = 0;
  hasher_.while_verifying = [&] {  // Each one asks again while its password is being hashed.
    if (++depth < 60) {
      const auto answer = guess();
      inner.push_back(answer ? Code::internal : answer.error().code);
    }
  };
  EXPECT_EQ(guess().error().code, Code::invalid_credentials);
  EXPECT_EQ(hasher_.verified.size(), 5u);
  EXPECT_EQ(std::count(inner.begin(), inner.end(), Code::rate_limited), 1);
  EXPECT_EQ(guess().error().code, Code::rate_limited);
}

TEST_F(SignInTest, ASignInThatVerifiedTheOldPasswordOpensNothing) {
  accounts_.before_session = [this] {
    accounts_.before_session = nullptr;
    ASSERT_TRUE(change("correct horse", "battery staple"));
  };
  const auto late = sign_in("kim@example.kr", "correct horse");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::invalid_credentials);
  EXPECT_EQ(late.error().detail, guess().error().detail) << "like any wrong password";
  EXPECT_TRUE(accounts_.open_sessions.empty());
}

TEST_F(SignInTest, ALateRehashDoesNotBringTheOldPasswordBack) {
  accounts_.all.at(UserId{7}).password_hash = "old:correct horse";
  hasher_.while_verifying = [this] {
    hasher_.while_verifying = nullptr;
    ASSERT_TRUE(change("correct horse", "battery staple"));
  };
  EXPECT_FALSE(sign_in("kim@example.kr", "correct horse"));
  EXPECT_EQ(stored_hash(), "new:battery staple");
}

TEST_F(SignInTest, OfTwoChangesAtOnceOneWins) {
  hasher_.while_verifying = [this] {
    hasher_.while_verifying = nullptr;
    ASSERT_TRUE(change("correct horse", "battery staple"));
  };
  EXPECT_EQ(change("correct horse", "another staple").error().code, Code::invalid_credentials);
  EXPECT_EQ(stored_hash(), "new:battery staple");
}

TEST_F(SignInTest, AFullHasherOrAMissingStoreIsNoFailureOfTheUser) {
  hasher_.failure = Code::overloaded;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(guess().error().code, Code::overloaded);
  hasher_.failure.reset();
  accounts_.failure = Code::unavailable;
  EXPECT_EQ(guess().error().code, Code::unavailable);
  accounts_.failure.reset();
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse"));
}

TEST_F(SignInTest, RehashesAPasswordWhoseHashIsOutdated) {
  accounts_.all.at(UserId{7}).password_hash = "old:correct horse";
  EXPECT_FALSE(guess());
  EXPECT_EQ(stored_hash(), "old:correct horse") << "only the right password can be hashed anew";
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse"));
  EXPECT_EQ(stored_hash(), "new:correct horse");
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse"));
  EXPECT_EQ(hasher_.hashes, 1) << "once";
}

TEST_F(SignInTest, SignsInEvenWhenTheNewHashCannotBeStored) {
  accounts_.all.at(UserId{7}).password_hash = "old:correct horse";
  accounts_.hash_failure = Code::unavailable;
  EXPECT_TRUE(sign_in("kim@example.kr", "correct horse"));
}

TEST_F(SignInTest, ANewPasswordEndsAllOtherSessions) {
  const auto here = sign_in("kim@example.kr", "correct horse");
  const auto elsewhere = sign_in("kim@example.kr", "correct horse");
  const auto current = tokens_.verify(here->access_token, clock_.now())->session;
  const auto other = tokens_.verify(elsewhere->access_token, clock_.now())->session;
  ASSERT_TRUE(change("correct horse", "battery staple", current));
  EXPECT_EQ(stored_hash(), "new:battery staple");
  ASSERT_EQ(accounts_.open_sessions.size(), 1u);
  EXPECT_EQ(accounts_.open_sessions[0].id, current);
  EXPECT_TRUE(denied_.is_denied(other, UserId{7}, Role::customer)) << "its access token too, at once";
  EXPECT_FALSE(denied_.is_denied(current, UserId{7}, Role::customer));
}

TEST_F(SignInTest, AChangeNeedsTheCurrentPasswordAndAStrongNewOne) {
  EXPECT_EQ(change("correct horse", "short").error().code, Code::validation);
  EXPECT_EQ(change("correct horse", "KIM@example.kr").error().code, Code::validation);
  EXPECT_EQ(change("wrong", "battery staple").error().code, Code::invalid_credentials);
  EXPECT_EQ(stored_hash(), "new:correct horse");
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(change("wrong", "battery staple"));
  EXPECT_EQ(change("correct horse", "battery staple").error().code, Code::rate_limited)
      << "a stolen session must not guess the password";
}

TEST_F(SignInTest, ARefreshTokenLeadsToOneSuccessorAndAnErrorStaysWhatItIs) {
  const auto signed_in = sign_in("kim@example.kr", "correct horse");
  const auto first = run(sessions_.renew(signed_in->refresh_token));
  ASSERT_TRUE(first);
  EXPECT_NE(first->refresh_token, signed_in->refresh_token);
  EXPECT_EQ(run(sessions_.renew(signed_in->refresh_token))->refresh_token, first->refresh_token);
  accounts_.failure = Code::overloaded;
  EXPECT_EQ(run(sessions_.renew(first->refresh_token)).error().code, Code::overloaded);
  accounts_.failure.reset();
  EXPECT_TRUE(run(sessions_.renew(first->refresh_token))) << "the token is not lost";
  accounts_.ends_next = SessionId{99};
  EXPECT_EQ(run(sessions_.renew("stolen")).error().code, Code::session_revoked);
  EXPECT_TRUE(denied_.is_denied(SessionId{99}, UserId{7}, Role::customer)) << "its access tokens stop too";
}

/// Its tokens were signed while they lived for a day; now they live for minutes.
struct EndedBefore final : tests::MemoryAccounts {
  explicit EndedBefore(Instant now) : ended_at(now - std::chrono::hours(23)) {}
  Task<std::vector<SessionId>> ended_since(Instant since) override {
    std::vector<SessionId> ended;
    if (ended_at >= since) ended.push_back(SessionId{1});
    co_return ended;
  }
  Task<std::vector<RoleChange>> roles_changed_since(Instant since) override {
    std::vector<RoleChange> changed;
    if (ended_at >= since) changed.push_back({UserId{8}, Role::customer});
    co_return changed;
  }
  const Instant ended_at;
};

TEST_F(SignInTest, AShorterLifeOfTokensRevivesNoneOfBefore) {
  EndedBefore accounts(clock_.now());
  Sessions sessions(accounts, tokens_, denied_, random_, ids_, clock_, SessionSettings{});
  ASSERT_TRUE(run(sessions.deny_ended()));
  denied_.forget_ended(clock_.now() + std::chrono::hours(1));
  EXPECT_TRUE(denied_.is_denied(SessionId{1}, UserId{7}, Role::customer));
  EXPECT_TRUE(denied_.is_denied(SessionId{2}, UserId{8}, Role::admin)) << "a role that was taken away";
}

TEST_F(SignInTest, TokensAreMadeAndJudgedByTheClockOfToday) {
  tests::MovedClock wall;
  wall.time = clock_.time + std::chrono::hours(24 * 365);  // The process started with a clock a year behind.
  Sessions sessions(accounts_, tokens_, denied_, random_, ids_, wall, SessionSettings{});
  const auto opened = run(sessions.open(accounts_.all.at(UserId{7}), "Firefox", "192.0.2.1"));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(tokens_.verify(opened->access_token, wall.now())) << "any other process accepts it";
  const auth::Authenticator authenticator(tokens_, denied_, wall);
  http::Request request;
  const std::string header = "Bearer  " + opened->access_token;
  request.headers.push_back({"Authorization", header});
  ASSERT_TRUE(authenticator.identify(request));
  wall.time += SessionSettings{}.access_token_life;
  EXPECT_FALSE(authenticator.identify(request)) << "it ends by that clock";
}

}  // namespace
}  // namespace market::user
