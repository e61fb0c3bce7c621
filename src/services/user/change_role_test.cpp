#include "services/user/change_role.hpp"

#include <gtest/gtest.h>

#include "tests/contract/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::user {
namespace {

using contract::run;

class ChangeRoleTest : public testing::Test {
 protected:
  ChangeRoleTest() {
    for (const std::int64_t id : {1, 7}) {
      Account account;
      account.id = UserId{id};
      account.email = "user" + std::to_string(id) + "@example.kr";
      accounts_.all.emplace(account.id, account);
    }
  }
  bool is_denied(UserId user, Role role) const { return denied_.is_denied(SessionId{5}, user, role); }

  tests::MovedClock clock_;
  tests::MemoryAccounts accounts_;
  tests::CountingRandom random_;
  IdSource ids_{clock_};
  wire::AccessTokens tokens_{{wire::SigningKey{"k", "0123456789abcdef0123456789abcdef"}}};
  auth::DeniedSessions denied_;
  Sessions sessions_{accounts_, tokens_, denied_, random_, ids_, clock_, SessionSettings{}};
  ChangeRole change_{accounts_, sessions_, clock_};
};

TEST_F(ChangeRoleTest, TheNewRoleHoldsAndTokensOfTheOldOneStop) {
  const auto changed = run(change_.run(UserId{1}, UserId{7}, Role::seller));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->role, Role::seller);
  EXPECT_EQ(accounts_.all.at(UserId{7}).role, Role::seller);
  EXPECT_TRUE(is_denied(UserId{7}, Role::customer));
  EXPECT_FALSE(is_denied(UserId{7}, Role::seller)) << "the next token, of the same session";
  EXPECT_FALSE(is_denied(UserId{1}, Role::customer)) << "of this user alone";
  ASSERT_TRUE(run(change_.run(UserId{1}, UserId{7}, Role::customer)));
  EXPECT_TRUE(is_denied(UserId{7}, Role::seller));
  EXPECT_FALSE(is_denied(UserId{7}, Role::customer));
}

TEST_F(ChangeRoleTest, ANewTokenIsGoodWhereTheLastChangeIsNotKnownYet) {
  auth::DeniedSessions behind;
  Sessions elsewhere(accounts_, tokens_, behind, random_, ids_, clock_, SessionSettings{});
  const auto opened = run(sessions_.open(accounts_.all.at(UserId{7}), "Firefox", ""));
  std::string refresh = opened->refresh_token;
  const auto token_of_now = [&] {
    const auto renewed = run(sessions_.renew(refresh));
    refresh = renewed->refresh_token;
    return *tokens_.verify(renewed->access_token, clock_.now());
  };
  const auto passes = [&](const wire::Identity& who) {
    return !behind.is_denied(who.session, who.user, who.role, who.role_changed_at);
  };
  ASSERT_TRUE(run(change_.run(UserId{1}, UserId{7}, Role::seller)));
  const auto seller = token_of_now();
  ASSERT_TRUE(run(change_.run(UserId{1}, UserId{7}, Role::customer)));
  ASSERT_TRUE(run(elsewhere.deny_ended(Millis(30'000))));
  EXPECT_FALSE(passes(seller)) << "it was taken away";
  EXPECT_TRUE(passes(token_of_now()));
  ASSERT_TRUE(run(change_.run(UserId{1}, UserId{7}, Role::seller)));
  EXPECT_TRUE(passes(token_of_now())) << "in the same millisecond, of a change that is not known there";
  EXPECT_FALSE(passes(seller));
  ASSERT_TRUE(run(elsewhere.deny_ended(Millis(30'000))));
  EXPECT_TRUE(passes(token_of_now()));
}

TEST_F(ChangeRoleTest, TokensSayWhenTheRoleWasGivenWhileSomebodyMayRememberTheOneBefore) {
  ASSERT_TRUE(run(change_.run(UserId{1}, UserId{7}, Role::seller)));
  const Instant changed_at = accounts_.all.at(UserId{7}).role_changed_at;
  const auto said = [&](UserId user) {
    const auto opened = run(sessions_.open(accounts_.all.at(user), "Firefox", ""));
    return tokens_.verify(opened->access_token, clock_.now())->role_changed_at;
  };
  EXPECT_EQ(said(UserId{7}), changed_at);
  EXPECT_EQ(said(UserId{1}), Instant());
  clock_.time = changed_at + access_token_life_max - Millis(1);
  EXPECT_EQ(said(UserId{7}), changed_at);
  clock_.time += Millis(1);
  EXPECT_EQ(said(UserId{7}), Instant());
}

TEST_F(ChangeRoleTest, IsForgottenWhenTheLastOldTokenHasEnded) {
  ASSERT_TRUE(run(change_.run(UserId{1}, UserId{7}, Role::seller)));
  denied_.forget_ended(clock_.now() + access_token_life_max);
  EXPECT_TRUE(is_denied(UserId{7}, Role::customer));
  denied_.forget_ended(clock_.now() + access_token_life_max + Millis(1));
  EXPECT_FALSE(is_denied(UserId{7}, Role::customer));
}

TEST_F(ChangeRoleTest, NobodyIsMadeWhoIsNotThereAndNobodyLeavesByMistake) {
  EXPECT_EQ(run(change_.run(UserId{1}, UserId{9}, Role::seller)).error().code, Code::not_found);
  EXPECT_EQ(run(change_.run(UserId{1}, UserId{1}, Role::customer)).error().code, Code::forbidden);
  accounts_.failure = Code::unavailable;
  EXPECT_EQ(run(change_.run(UserId{1}, UserId{7}, Role::seller)).error().code, Code::unavailable);
  EXPECT_FALSE(is_denied(UserId{7}, Role::customer));
}

}  // namespace
}  // namespace market::user
