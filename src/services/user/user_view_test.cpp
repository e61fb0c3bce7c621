#include "services/user/user_view.hpp"

#include <gtest/gtest.h>

#include "wire/json/json.hpp"

namespace market::user {
namespace {

TEST(UserView, HasTheMembersOfTheApiAndNoHash) {
  Account account;
  account.id = UserId{7};
  account.email = "kim@example.kr";
  account.name = "김 \"철수\"";
  account.phone = "010-1";
  account.role = Role::seller;
  account.password_hash = "secret";
  account.created_at = Instant(Millis(1'800'000'000'000));
  std::string text;
  wire::JsonWriter json(text);
  append_user(json, account);
  const auto expected = *wire::parse_json(R"({"id": ")" + UserId{7}.text() + R"(", "email": "kim@example.kr",
    "name": "김 \"철수\"", "phone": "010-1", "address": null, "role": "seller", "emailVerified": false,
    "createdAt": "2027-01-15T08:00:00.000Z"})");
  EXPECT_EQ(*wire::parse_json(text), expected);
}

TEST(Email, IsWhatBrowsersTakeWithADotInTheDomain) {
  const std::string label(63, 'd'), name(250, 'a');
  for (const std::string& good :
       {std::string("a@b.c"), std::string("a..b@c.d"), std::string("o'neil+tag@mail.example.co.kr"),
        std::string("!#$%&'*+/=?^_`{|}~-@x.y"), std::string("a@1.2"), std::string("a@b-c.d-e"),
        "a@" + label + ".kr", name + "@b.c"})
    EXPECT_TRUE(is_email(good)) << good;
  for (const std::string& bad :
       {std::string(""),           std::string("a"),        std::string("a@"),
        std::string("@b.c"),       std::string("a@b"),      std::string("\"x\"@y.z"),
        std::string("a b@c.d"),    std::string(" a@b.c"),   std::string("a@b.c "),
        std::string("a@b .c"),     std::string("a@@b.c"),   std::string("a@b@c.d"),
        std::string("a@.b.c"),     std::string("a@b..c"),   std::string("a@b.c."),
        std::string("a@-b.c"),     std::string("a@b-.c"),   std::string("a@b_c.d"),
        std::string("a\t@b.c"),    std::string("a@b.c\n"),  std::string("a\x7f@b.c"),
        std::string("a\0@b.c", 6), std::string("김@b.c"),   std::string("a@예.한국"),
        std::string("a,b@c.d"),    std::string("a(x)@b.c"), std::string("a@[127.0.0.1]"),
        "a@" + label + "d.kr",     name + "a@b.c"})
    EXPECT_FALSE(is_email(bad)) << bad;
}

TEST(Device, IsAsciiWhateverTheUserAgent) {
  EXPECT_EQ(device_of("Mozilla/5.0 (X11)"), "Mozilla/5.0 (X11)");
  EXPECT_EQ(device_of("a\xff\xC3\xA9\tb"), "a????b") << "an answer is always UTF-8";
  EXPECT_EQ(device_of(std::string(300, 'x')).size(), 200u);
}

}  // namespace
}  // namespace market::user
