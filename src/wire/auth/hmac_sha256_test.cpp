#include "wire/auth/hmac_sha256.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <string>
#include <thread>
#include <vector>

namespace market::wire {
namespace {

std::string hex(const HmacSha256::Mac& mac) {
  std::string text;
  for (const auto byte : mac) text += fmt::format("{:02x}", byte);
  return text;
}

TEST(HmacSha256, IsWhatRfc4231Says) {
  EXPECT_EQ(hex(HmacSha256("Jefe").of("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(HmacSha256(std::string(20, '\x0b')).of("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(
      hex(HmacSha256(std::string(131, '\xaa')).of("Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, AgreesWithLibsodiumForEveryLength) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string key(length, 'k'), message(200 - length, 'm');
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(message.data()),
                                  message.size());
    HmacSha256::Mac expected;
    crypto_auth_hmacsha256_final(&state, expected.data());
    EXPECT_EQ(hex(HmacSha256(key).of(message)), hex(expected)) << length;
  }
}

TEST(HmacSha256, ServesThreadsTogether) {
  const HmacSha256 mac("one key of all threads");
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      const std::string message(t + 1, 'x');
      const auto expected = HmacSha256("one key of all threads").of(message);
      for (int i = 0; i < 2'000; ++i) wrong[t] += mac.of(message) != expected;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace market::wire
