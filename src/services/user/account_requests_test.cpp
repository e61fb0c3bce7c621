#include "services/user/account_requests.hpp"

#include <gtest/gtest.h>

#include "tests/support/run_task.hpp"

namespace market::user {
namespace {

class MayMail : public testing::Test {
 protected:
  /// How many of `asked` mails go to the account.
  int mails(std::string client, int asked, std::string email = "kim@example.kr") {
    int sent = 0;
    for (int i = 0; i < asked; ++i)
      sent += *tests::run(may_mail(limiter_, "reset-mail", email, client, now_));
    return sent;
  }
  const Instant now_{Millis(1'800'000'000'000)};
  GuessLimiter limiter_{true, wire::DigestKey{1, 2, 3}};
};

TEST_F(MayMail, AStrangerTakesNoneOfTheOwnersMails) {
  EXPECT_EQ(mails("198.51.100.1", 20), 3);
  EXPECT_EQ(mails("198.51.100.2", 20), 3) << "the owner's own";
  EXPECT_EQ(mails("198.51.100.1", 20, "Kim@Example.kr"), 0) << "the same account";
  EXPECT_EQ(mails("198.51.100.1", 20, "lee@example.kr"), 3);
}

TEST_F(MayMail, AMailboxIsNotFilledByMany) {
  int sent = 0;
  for (int i = 0; i < 20; ++i) sent += mails("198.51.100." + std::to_string(i), 3);
  EXPECT_EQ(sent, 12);
}

TEST_F(MayMail, ACodeOfASignUpIsOneOfThoseThatAreAskedFor) {
  const auto signs_up = [this](std::string client, std::string email = "kim@example.kr") {
    return *tests::run(may_mail_first(limiter_, std::move(email), std::move(client), now_));
  };
  for (int i = 0; i < 20; ++i) EXPECT_EQ(signs_up("198.51.100.1"), i < 3);
  int sent = 3;
  for (int i = 0; i < 20; ++i) sent += signs_up("203.0.113." + std::to_string(i), "KIM@example.kr");
  EXPECT_EQ(sent, 12);
  EXPECT_FALSE(*tests::run(may_mail(limiter_, "mail", "kim@example.kr", "203.0.113.99", now_)));
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(signs_up("198.51.100.1", std::to_string(i) + "@example.kr")) << "a school shares an address";
}

TEST_F(MayMail, OneAddressMailsNotEverybody) {
  int sent = 0;
  for (int i = 0; i < 100; ++i) sent += mails("198.51.100.1", 1, std::to_string(i) + "@example.kr");
  EXPECT_EQ(sent, 30);
}

}  // namespace
}  // namespace market::user
