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
  denied.deny_other_roles(UserId{7}, Role::seller, now);
  EXPECT_TRUE(denied.is_denied(SessionId{}, UserId{7}, Role::customer)) << "load tokens too";
  EXPECT_FALSE(denied.is_denied(SessionId{1}, UserId{7}, Role::seller));
  EXPECT_FALSE(denied.is_denied(SessionId{1}, UserId{8}, Role::customer));
  denied.forget_ended(now + Millis(1));
  EXPECT_FALSE(denied.is_denied(SessionId{1}, UserId{7}, Role::customer));
}

}  // namespace
}  // namespace market::auth
