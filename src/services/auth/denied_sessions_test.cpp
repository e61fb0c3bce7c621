#include "services/auth/denied_sessions.hpp"

#include <gtest/gtest.h>

namespace market::auth {
namespace {

const Instant now{Millis(1'800'000'000'500)};

TEST(DeniedSessions, AreDeniedUntilTheirLastTokenHasEnded) {
  DeniedSessions denied;
  denied.deny(SessionId{1}, now);
  denied.deny(SessionId{2}, now + Millis(1));
  EXPECT_TRUE(denied.is_denied(SessionId{1}));
  EXPECT_FALSE(denied.is_denied(SessionId{3}));
  EXPECT_FALSE(denied.is_denied(SessionId{})) << "tokens without a session cannot be denied";
  denied.forget_ended(now + Millis(1));
  EXPECT_FALSE(denied.is_denied(SessionId{1}));
  EXPECT_TRUE(denied.is_denied(SessionId{2}));
}

}  // namespace
}  // namespace market::auth
