#include "services/user/password_rules.hpp"

#include <gtest/gtest.h>

namespace market::user {
namespace {

/// The code of the wrong field; empty: taken.
std::string refusal(std::string_view password, std::string_view email = "kim@example.kr") {
  const auto checked = check_password(password, email, "newPassword");
  if (checked) return "";
  EXPECT_EQ(checked.error().extras->fields.at(0).field, "newPassword");
  return checked.error().extras->fields.at(0).code;
}

TEST(PasswordRules, CountCharactersNotBytes) {
  EXPECT_EQ(refusal("otter 471"), "length");
  EXPECT_EQ(refusal("otter 4711"), "");
  EXPECT_EQ(refusal("가나다라마바사아자"), "length") << "27 bytes, 9 characters";
  EXPECT_EQ(refusal("가나다라마바사아자차"), "");
  EXPECT_EQ(refusal("granite otter" + std::string(499, 'y')), "");
  EXPECT_EQ(refusal("granite otter" + std::string(500, 'y')), "length");
}

TEST(PasswordRules, RefuseWhatIsNoText) {
  const auto refused = check_password("horse\tstaple\nbattery", "a@b.example", "password");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().extras->fields.at(0).code, "format");
}

TEST(PasswordRules, RefuseWhatAMillionGuessesFind) {
  for (const char* common :
       {"password12", "PASSWORD12", "Password1234", "admin12345", "qwertyuiop", "iloveyou12", "1234567890",
        "0987654321", "aaaaaaaaaa", "1212121212", "123123123123", "abcdefghij", "letmein123", "p@ssw0rd12",
        "monkeydragon", "11111password", "market12345", "kimexample1"})
    EXPECT_EQ(refusal(common), "common") << common;
  EXPECT_EQ(refusal(std::string(100, 'a')), "common");
}

TEST(PasswordRules, LeavePeopleTheirOwn) {
  for (const char* own : {"granite otter 4711 lamp", "tiny red market", "summer Rain 7", "Tr0ub4dor&3xyz",
                          "passwordless-otter", "correct horse", "kim@example.krx"})
    EXPECT_EQ(refusal(own), "") << own;
}

TEST(PasswordRules, RefuseOnesOwnAddress) {
  EXPECT_EQ(refusal("kim@example.kr"), "common");
  EXPECT_EQ(refusal("KIM@Example.kr"), "common");
  EXPECT_EQ(refusal("kim@example.kr", "lee@example.kr"), "");
}

}  // namespace
}  // namespace market::user
