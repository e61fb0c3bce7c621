/// ports/mailer.hpp: what every adapter must keep.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <future>

#include "adapters/mail/file_mailer.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

class MailerContract : public testing::Test {
 protected:
  ~MailerContract() override { pool_.stop(); }
  std::string mails() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  TemporaryFolder folder_;
  std::string path_ = folder_.file("mails.txt");
  BlockingPool pool_{2, 1'000};
  mail::FileMailer mailer_{path_, pool_};
};

TEST_F(MailerContract, EachMailIsSentWholeAndInOrder) {
  ASSERT_TRUE(run(mailer_.send("kim@example.kr", "Your code", "It is 123456.")));
  ASSERT_TRUE(run(mailer_.send("lee@example.kr", "안녕하세요", "두 번째")));
  EXPECT_EQ(mails(),
            "To: kim@example.kr\nSubject: Your code\n\nIt is 123456.\n\n"
            "To: lee@example.kr\nSubject: 안녕하세요\n\n두 번째\n\n");
}

TEST_F(MailerContract, OnlyItsOwnerReadsTheMails) {
  ASSERT_TRUE(run(mailer_.send("kim@example.kr", "Your code", "It is 123456.")));
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(MailerContract, SaysThatAMailWasNotSent) {
  mail::FileMailer nowhere(folder_.file("missing/mails.txt"), pool_);
  EXPECT_EQ(run(nowhere.send("kim@example.kr", "s", "t")).error().code, Code::unavailable);
  BlockingPool full(1, 0);
  mail::FileMailer busy(path_, full);
  EXPECT_EQ(run(busy.send("kim@example.kr", "s", "t")).error().code, Code::overloaded);
  full.stop();
  EXPECT_EQ(mails(), "");
}

TEST_F(MailerContract, MailsSentAtOnceDoNotMix) {
  const auto send_many = [this](char letter) {
    for (int i = 0; i < 50; ++i)
      EXPECT_TRUE(run(mailer_.send("kim@example.kr", "s", std::string(500, letter))));
  };
  auto other = std::async(std::launch::async, send_many, 'b');
  send_many('a');
  other.get();
  const std::string all = mails();
  std::size_t whole = 0;
  for (const char letter : {'a', 'b'}) {
    const std::string mail = "To: kim@example.kr\nSubject: s\n\n" + std::string(500, letter) + "\n\n";
    for (auto found = all.find(mail); found != all.npos; found = all.find(mail, found + 1)) ++whole;
  }
  EXPECT_EQ(whole, 100u);
}

}  // namespace
}  // namespace market::contract
