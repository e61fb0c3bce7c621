#include "adapters/crypto/password_hasher.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>

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

/// Nothing more may be mapped; what is mapped already can be used.
class WithoutMoreMemory {
 public:
  WithoutMoreMemory() {
    getrlimit(RLIMIT_AS, &before_);
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit now = before_;
    now.rlim_cur = pages * 4096 + (rlim_t{8} << 20);
    setrlimit(RLIMIT_AS, &now);
  }
  ~WithoutMoreMemory() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ArgonPasswordHasherTest, WithoutMemoryNoPasswordIsCalledWrong) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer maps memory itself";
#endif
  const auto hash = *run(hasher_.hash("correct horse", "192.0.2.1"));
  Result<bool> verified;
  Result<std::string> hashed;
  {
    const WithoutMoreMemory scarce;
    verified = run(hasher_.verify("correct horse", hash, "192.0.2.1"));
    hashed = run(hasher_.hash("correct horse", "192.0.2.1"));
  }
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::overloaded);
  ASSERT_FALSE(hashed);
  EXPECT_EQ(hashed.error().code, Code::overloaded);
  EXPECT_TRUE(*run(hasher_.verify("correct horse", hash, "192.0.2.1")));
}

}  // namespace
}  // namespace market::crypto
