#include "adapters/crypto/field_cipher.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace market::crypto {
namespace {

FieldKey key(std::string id, unsigned char fill) {
  FieldKey made{std::move(id), {}};
  made.secret.fill(fill);
  return made;
}
const FieldSecret index_secret = key("", 9).secret;

TEST(SodiumFieldCipher, GivesBackWhatItWasGiven) {
  const SodiumFieldCipher cipher({key("k1", 1)}, index_secret);
  for (const auto& plain :
       {std::string(), std::string("홍길동"), std::string("a\0b", 3), std::string(5000, 'x')})
    EXPECT_EQ(*cipher.decrypt(cipher.encrypt(plain, "accounts.name.7"), "accounts.name.7"), plain);
}

TEST(SodiumFieldCipher, NeverWritesTheSameTextTwice) {
  const SodiumFieldCipher cipher({key("k1", 1)}, index_secret);
  EXPECT_NE(cipher.encrypt("same", "c"), cipher.encrypt("same", "c"));
}

TEST(SodiumFieldCipher, RefusesAnotherPlaceAChangeAndAnUnknownKey) {
  const SodiumFieldCipher cipher({key("k1", 1)}, index_secret);
  auto stored = cipher.encrypt("secret", "accounts.phone.7");
  EXPECT_EQ(cipher.decrypt(stored, "accounts.phone.8").error().code, Code::internal);
  EXPECT_EQ(cipher.decrypt("k2" + stored.substr(2), "accounts.phone.7").error().code, Code::internal);
  stored[20] = stored[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(cipher.decrypt(stored, "accounts.phone.7").error().code, Code::internal);
  for (const auto* damaged : {"", "k1", "k1.", "k1.AAAA", "k1.!!!!"})
    EXPECT_FALSE(cipher.decrypt(damaged, "accounts.phone.7")) << damaged;
}

TEST(SodiumFieldCipher, ReadsOldKeysAndWritesWithTheFirst) {
  const SodiumFieldCipher before({key("k1", 1)}, index_secret);
  const SodiumFieldCipher after({key("k2", 2), key("k1", 1)}, index_secret);
  EXPECT_EQ(*after.decrypt(before.encrypt("x", "c"), "c"), "x");
  EXPECT_EQ(after.encrypt("x", "c").substr(0, 3), "k2.");
}

TEST(SodiumFieldCipher, FindsEqualTextByItsIndexOnlyWithTheKey) {
  const SodiumFieldCipher one({key("k1", 1)}, index_secret), same({key("k2", 2)}, index_secret);
  const SodiumFieldCipher other({key("k1", 1)}, key("", 8).secret);
  EXPECT_EQ(one.blind_index("a@b.kr"), same.blind_index("a@b.kr"));
  EXPECT_NE(one.blind_index("a@b.kr"), one.blind_index("a@c.kr"));
  EXPECT_NE(one.blind_index("a@b.kr"), other.blind_index("a@b.kr"));
}

TEST(SodiumFieldCipher, RefusesKeysItCannotTellApart) {
  EXPECT_THROW(SodiumFieldCipher({}, index_secret), std::runtime_error);
  EXPECT_THROW(SodiumFieldCipher({key("k.1", 1)}, index_secret), std::runtime_error);
  EXPECT_THROW(SodiumFieldCipher({key("k", 1), key("k", 2)}, index_secret), std::runtime_error);
}

}  // namespace
}  // namespace market::crypto
