#include "wire/auth/digest.hpp"

#include <gtest/gtest.h>

#include "wire/auth/secret_text.hpp"

namespace market::wire {
namespace {

// Against another implementation (Python's hashlib.blake2b, read as little-endian words): stored values
// depend on these bytes.
TEST(Digest, IsBlake2b) {
  EXPECT_EQ(digest_128(""), (Digest128{0x40bdefd94169e6ca, 0x7076a68e75884d4e}));
  EXPECT_EQ(digest_128("abc"), (Digest128{0x2b8d2bc691b74acf, 0x1678287502c90921}));
  EXPECT_EQ(secret_hash("abc"), "vd2BPGNCOXIxce8_7phXm5SWTjuxyz5CcmLIwGjVIxk");
}

TEST(SecretText, IsTheSecretInLettersThatFitAnywhere) {
  const std::uint8_t bytes[] = {0xFB, 0xFF, 0xBF, 0x00};
  EXPECT_EQ(secret_text(bytes), "-_-_AA");
}

}  // namespace
}  // namespace market::wire
