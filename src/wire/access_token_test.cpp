#include "wire/access_token.hpp"

#include <gtest/gtest.h>

#include "wire/base64url.hpp"

namespace market::wire {
namespace {

const Instant now = Instant(std::chrono::seconds(1'800'000'000));
const std::string secret = "0123456789abcdef0123456789abcdeX";

Identity somebody() {
  Identity identity;
  identity.user = UserId{42};
  identity.session = SessionId{77};
  identity.role = Role::seller;
  identity.email_verified = true;
  identity.expires_at = now + std::chrono::minutes(15);
  return identity;
}

class AccessTokenTest : public testing::Test {
 protected:
  AccessTokens tokens_{{SigningKey{"k1", secret}}};
};

TEST_F(AccessTokenTest, WhatIsSignedComesBack) {
  for (const bool with_session : {true, false}) {
    Identity identity = somebody();
    if (!with_session) identity.session = {};
    const auto read = tokens_.verify(tokens_.sign(identity, now), now);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->user, identity.user);
    EXPECT_EQ(read->session, identity.session);
    EXPECT_EQ(read->role, identity.role);
    EXPECT_EQ(read->email_verified, identity.email_verified);
    EXPECT_EQ(read->expires_at, identity.expires_at);
  }
}

/// Made with another implementation: Python's hmac over the same header and claims.
TEST_F(AccessTokenTest, TheSignatureIsHmacSha256) {
  const AccessTokens named({SigningKey{"k1", secret}});
  const std::string token = named.sign(somebody(), now);
  EXPECT_EQ(token.substr(token.rfind('.') + 1), "i75M5WnsG3atLAWHGwnoY7fSJEWXjiOFK7U0kI4bxdw");
}

TEST_F(AccessTokenTest, ALongSecretIsHashedFirst) {
  const AccessTokens longer({SigningKey{"k1", secret + secret + secret}});
  EXPECT_TRUE(longer.verify(longer.sign(somebody(), now), now));
  EXPECT_FALSE(tokens_.verify(longer.sign(somebody(), now), now));
}

TEST_F(AccessTokenTest, EveryChangedCharacterIsRefused) {
  const std::string token = tokens_.sign(somebody(), now);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(tokens_.verify(changed, now).has_value(), changed == token) << i;
  }
  EXPECT_FALSE(tokens_.verify(token.substr(0, token.size() - 1), now));
  EXPECT_FALSE(tokens_.verify(token + "=", now));
  EXPECT_FALSE(tokens_.verify(token.substr(0, token.rfind('.') + 1), now));
}

TEST_F(AccessTokenTest, HoldsOnlyInItsTime) {
  const std::string token = tokens_.sign(somebody(), now);
  EXPECT_TRUE(tokens_.verify(token, now + std::chrono::minutes(15) - Millis(1)));
  EXPECT_FALSE(tokens_.verify(token, now + std::chrono::minutes(15)));
  EXPECT_TRUE(tokens_.verify(token, now - std::chrono::seconds(60)));
  EXPECT_FALSE(tokens_.verify(token, now - std::chrono::seconds(62)));
}

TEST_F(AccessTokenTest, AcceptsTheKeyBeforeAndNoForeignOne) {
  const AccessTokens rotated(
      {SigningKey{"k2", std::string(secret.rbegin(), secret.rend())}, SigningKey{"k1", secret}});
  EXPECT_TRUE(rotated.verify(tokens_.sign(somebody(), now), now));
  EXPECT_FALSE(tokens_.verify(rotated.sign(somebody(), now), now));
}

TEST(AccessTokens, RefuseWeakKeys) {
  EXPECT_THROW(AccessTokens({}), std::invalid_argument);
  EXPECT_THROW(AccessTokens({SigningKey{"k1", "short"}}), std::invalid_argument);
  EXPECT_THROW(AccessTokens({SigningKey{"k1", std::string(32, 'a')}}), std::invalid_argument);
  EXPECT_THROW(AccessTokens({SigningKey{"../k", secret}}), std::invalid_argument);
}

}  // namespace
}  // namespace market::wire
