#include "adapters/crypto/password_hasher.hpp"

#include <gtest/gtest.h>

#include "tests/contract/run_task.hpp"

namespace market::crypto {
namespace {

using contract::run;

class ArgonPasswordHasherTest : public testing::Test {
 protected:
  ~ArgonPasswordHasherTest() override { hasher_.stop(); }
  ArgonPasswordHasher hasher_{1};
};

TEST_F(ArgonPasswordHasherTest, HashesWithTheCostsWeClaim) {
  const auto hash = run(hasher_.hash("correct horse", "192.0.2.1"));
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << *hash;
  EXPECT_NE(*run(hasher_.hash("correct horse", "192.0.2.1")), *hash) << "a salt of its own each time";
  EXPECT_FALSE(hasher_.is_outdated(*hash));
}

TEST_F(ArgonPasswordHasherTest, TakesTheWholePasswordAndNoOther) {
  const std::string password = "비밀번호 " + std::string(200, 'x');
  const auto hash = *run(hasher_.hash(password, "192.0.2.1"));
  EXPECT_TRUE(*run(hasher_.verify(password, hash, "192.0.2.1")));
  for (const auto& wrong : {password + "x", password.substr(1), std::string()})
    EXPECT_FALSE(*run(hasher_.verify(wrong, hash, "192.0.2.1")));
}

TEST_F(ArgonPasswordHasherTest, NobodysPasswordIsEverRight) {
  for (const auto* password : {"", "correct horse"}) {
    EXPECT_FALSE(*run(hasher_.verify(password, "", "192.0.2.1")));
    EXPECT_FALSE(*run(hasher_.verify(password, "no hash at all", "192.0.2.1")));
  }
}

TEST_F(ArgonPasswordHasherTest, KnowsHashesOfOtherCosts) {
  // As hash() might have written it with m=8192 and t=1.
  EXPECT_TRUE(hasher_.is_outdated(
      "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

TEST(ArgonPasswordHasher, RefusesWhatWouldWaitTooLong) {
  ArgonPasswordHasher hasher(1, 0);
  EXPECT_EQ(run(hasher.hash("correct horse", "192.0.2.1")).error().code, Code::overloaded);
  EXPECT_EQ(run(hasher.verify("correct horse", "", "192.0.2.1")).error().code, Code::overloaded);
  hasher.stop();
}

}  // namespace
}  // namespace market::crypto
