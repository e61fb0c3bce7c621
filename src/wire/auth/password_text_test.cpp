#include "wire/auth/password_text.hpp"

#include <gtest/gtest.h>

namespace market::wire {
namespace {

TEST(PreparedPassword, IsTheSameFromEveryKeyboard) {
  EXPECT_EQ(prepared_password("cafe\u0301 au lait"), "caf\u00e9 au lait") << "decomposed, as macOS types it";
  EXPECT_EQ(prepared_password("\u1112\u1161\u11ab\u1100\u1173\u11af"), "\ud55c\uae00");
  EXPECT_EQ(prepared_password("a\u00a0b\u3000c\u2003d"), "a b c d") << "spaces of all kinds are spaces";
  EXPECT_EQ(prepared_password("Stra\u00dfe \ufb01n"), "Stra\u00dfe \ufb01n")
      << "no case, no compatibility forms";
  EXPECT_EQ(prepared_password("\U0001f511 key"), "\U0001f511 key");
  EXPECT_EQ(prepared_password("a\xff"), "a\xff");
  EXPECT_EQ(prepared_password(""), "");
}

TEST(PasswordText, HasNoCharacterThatIsNone) {
  for (const char* good :
       {"correct horse", "비밀번호 열쇠 고리", "пароль-пароль", "👩‍🚀👩‍🚀", "a\u00a0b"})
    EXPECT_TRUE(is_password_text(good)) << good;
  for (const char* bad : {"a\tb", "a\nb", "a\u0085b", "a\uFFFEb", "a\uFDD0b", "a\U0010FFFFb", "a\uE000b",
                          "a\U000E1000b", "a\xFF"})
    EXPECT_FALSE(is_password_text(bad)) << bad;
}

TEST(PasswordScore, IsLowForWhatIsGuessedFirst) {
  for (const auto* weak : {"password123", "qwertyuiop", "1234567890", "aaaaaaaaaaaa", "P@ssw0rd12345",
                           "iloveyou123", "passwordpassword"})
    EXPECT_LT(password_score(weak, {}), 2) << weak;
  for (const auto* fine : {"correct horse 99 staple", "tiny red market", "summer Rain 7"})
    EXPECT_EQ(password_score(fine, {}), 4) << fine;
  EXPECT_EQ(password_score("k9\u00e9 " + std::string(500, 'x'), {}),
            password_score("k9\u00e9 " + std::string(60, 'x'), {}));
}

TEST(PasswordScore, CountsWhatEverybodyKnowsOfTheUser) {
  const std::vector<std::string> own{"quartermain", "zebulon"};
  EXPECT_GE(password_score("zebulonquartermain", {}), 3);
  EXPECT_LT(password_score("zebulonquartermain", own), 2);
}

}  // namespace
}  // namespace market::wire
