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
  /// When all have been sent.
  std::string mails() {
    mailer_.stop();
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  TemporaryFolder folder_;
  std::string path_ = folder_.file("mails.txt");
  std::vector<std::string> warnings_;
  mail::FileMailer mailer_{path_, [this](const std::string& line) { warnings_.push_back(line); }};
};

TEST_F(MailerContract, EachMailIsSentWholeAndInOrder) {
  ASSERT_TRUE(mailer_.send("kim@example.kr", "Your code", "It is 123456."));
  ASSERT_TRUE(mailer_.send("lee@example.kr", "안녕하세요", "두 번째"));
  EXPECT_EQ(mails(),
            "To: kim@example.kr\nSubject: Your code\n\nIt is 123456.\n\n"
            "To: lee@example.kr\nSubject: 안녕하세요\n\n두 번째\n\n");
}

TEST_F(MailerContract, OnlyItsOwnerReadsTheMails) {
  ASSERT_TRUE(mailer_.send("kim@example.kr", "Your code", "It is 123456."));
  EXPECT_NE(mails(), "");
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(MailerContract, AMailThatCannotBeSentIsLogged) {
  std::vector<std::string> warnings;
  mail::FileMailer nowhere(folder_.file("missing/mails.txt"),
                           [&](const std::string& line) { warnings.push_back(line); });
  EXPECT_TRUE(nowhere.send("kim@example.kr", "s", "t")) << "who asks learns nothing";
  nowhere.stop();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].find("kim@"), std::string::npos) << "no personal data in the log";
}

TEST_F(MailerContract, AFullQueueTakesNoMore) {
  mail::FileMailer full(
      path_, [this](const std::string& line) { warnings_.push_back(line); }, 0);
  EXPECT_EQ(full.send("kim@example.kr", "s", "t").error().code, Code::overloaded);
  EXPECT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(mails(), "");
}

TEST_F(MailerContract, MailsSentAtOnceDoNotMix) {
  const auto send_many = [this](char letter) {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(mailer_.send("kim@example.kr", "s", std::string(500, letter)));
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
