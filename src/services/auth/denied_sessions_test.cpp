#include "services/auth/denied_sessions.hpp"

#include <gtest/gtest.h>

namespace market::auth {
namespace {

const Instant now{Millis(1'800'000'000'500)};

bool is_denied(const DeniedSessions& denied, std::int64_t session) {
  return denied.is_denied(SessionId{session}, UserId{7}, Role::customer);
}

TEST(DeniedSessions, AreDeniedUntilTheirLastTokenHasEnded) {
  DeniedSessions denied;
  denied.deny(SessionId{1}, now);
  denied.deny(SessionId{2}, now + Millis(1));
  EXPECT_TRUE(is_denied(denied, 1));
  EXPECT_FALSE(is_denied(denied, 3));
  EXPECT_FALSE(is_denied(denied, 0)) << "tokens without a session cannot be denied by one";
  denied.forget_ended(now + Millis(1));
  EXPECT_FALSE(is_denied(denied, 1));
  EXPECT_TRUE(is_denied(denied, 2));
}

TEST(DeniedSessions, KnowWhichRoleHolds) {
  DeniedSessions denied;
  denied.deny_other_roles({UserId{7}, Role::seller, now}, now);
  EXPECT_TRUE(denied.is_denied(SessionId{}, UserId{7}, Role::customer)) << "load tokens too";
  EXPECT_FALSE(denied.is_denied(SessionId{1}, UserId{7}, Role::seller));
  EXPECT_FALSE(denied.is_denied(SessionId{1}, UserId{8}, Role::customer));
  denied.forget_ended(now + Millis(1));
  EXPECT_FALSE(denied.is_denied(SessionId{1}, UserId{7}, Role::customer));
}

bool is_denied_of(const DeniedSessions& denied, Role role, Instant changed_at) {
  return denied.is_denied(SessionId{1}, UserId{7}, role, changed_at);
}

TEST(DeniedSessions, LetPassARoleOfALaterChangeThanTheyHaveHeardOf) {
  DeniedSessions denied;
  denied.deny_other_roles({UserId{7}, Role::customer, now}, now);
  EXPECT_FALSE(is_denied_of(denied, Role::seller, now + Millis(1)));
  EXPECT_TRUE(is_denied_of(denied, Role::seller, now));
  EXPECT_TRUE(is_denied_of(denied, Role::seller, now - Millis(1))) << "of before it was taken away";
  EXPECT_TRUE(is_denied_of(denied, Role::seller, Instant()));
  EXPECT_FALSE(is_denied_of(denied, Role::customer, Instant())) << "it holds, whenever it was given";
}

TEST(DeniedSessions, AreNotSetBackByAChangeOfBefore) {
  DeniedSessions denied;
  denied.deny_other_roles({UserId{7}, Role::seller, now + Millis(1)}, now);
  denied.deny_other_roles({UserId{7}, Role::customer, now}, now);  // Read before it was changed again.
  EXPECT_FALSE(is_denied_of(denied, Role::seller, now + Millis(1)));
  EXPECT_TRUE(is_denied_of(denied, Role::customer, now));
}

TEST(DeniedSessions, TakeAChangeOfAnUnknownTimeForTheNewest) {
  DeniedSessions denied;
  denied.deny_other_roles({UserId{7}, Role::seller, now}, now);
  denied.deny_other_roles({UserId{7}, Role::customer}, now);
  EXPECT_TRUE(is_denied_of(denied, Role::seller, now + Millis(1)));
  denied.deny_other_roles({UserId{7}, Role::seller, now + Millis(1)}, now);
  EXPECT_FALSE(is_denied_of(denied, Role::seller, now + Millis(1)));
  EXPECT_TRUE(is_denied_of(denied, Role::customer, now));
}

}  // namespace
}  // namespace market::auth
