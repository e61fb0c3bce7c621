#include "adapters/mail/smtp_transport.hpp"

#include <gtest/gtest.h>

namespace market::mail {
namespace {

SmtpSettings settings(std::string url, std::string from = "shop@example.com") {
  SmtpSettings all;
  all.url = std::move(url);
  all.from = std::move(from);
  return all;
}

TEST(SmtpTransport, PlainHeadersStayAsTheyAre) {
  EXPECT_EQ(encoded_header("Your order is paid"), "Your order is paid");
  EXPECT_EQ(encoded_header("인증"), "=?UTF-8?B?7J247Kad?=");
}

TEST(SmtpTransport, NoTextBeginsALineOfItsOwn) {
  for (const char* hostile : {"x\r\nBcc: all@example.com", "x\nBcc: y", "x\rBcc: y", "=?UTF-8?B?eA==?="}) {
    const std::string header = encoded_header(hostile);
    EXPECT_TRUE(header.starts_with("=?UTF-8?B?")) << header;
    EXPECT_EQ(header.find("Bcc"), std::string::npos);
  }
  std::string text(200, 'x');
  text += "\r\n.\r\n가나다라마바사아자차카타파하";
  const std::string header = encoded_header(text);
  for (std::size_t at = 0; (at = header.find("\r\n", at)) != std::string::npos; at += 2)
    EXPECT_EQ(header[at + 2], ' ') << "folded, never a new line";
  EXPECT_EQ(encoded_header("가\n나"), encoded_header("가 나")) << "a line's end is a space";
}

TEST(SmtpTransport, WordsAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "한";
  const std::string header = encoded_header(text);
  std::size_t begin = 0;
  for (std::size_t end; begin < header.size(); begin = end + 3) {
    end = std::min(header.find("\r\n ", begin), header.size());
    EXPECT_LE(end - begin, 75u) << "RFC 2047";
    EXPECT_EQ((end - begin - 12) % 4, 0u) << "whole characters have no padding here";
  }
}

TEST(SmtpTransport, SettingsThatCannotWorkAreNamed) {
  EXPECT_EQ(trouble_with(settings("smtp://127.0.0.1:25")), "");
  EXPECT_EQ(trouble_with(settings("smtps://[::1]:465", "Shop <shop@example.com>")), "");
  for (const char* url :
       {"http://x", "smtp://", "smtp://a@b", "smtp://h/x", "smtp://h ?", "file:///etc/passwd"})
    EXPECT_NE(trouble_with(settings(url)), "") << url;
  for (const char* from : {"", "x", "@", "a@", "x <y", "a@b>\r\nRCPT TO:<c@d", "a b@c"})
    EXPECT_NE(trouble_with(settings("smtp://h", from)), "") << from;
}

TEST(SmtpTransport, AnAddressThatIsNoneIsRefusedBeforeAnythingIsSent) {
  SmtpTransport transport(settings("smtp://127.0.0.1:1"));
  for (const char* to : {"", "x", "a@b>\r\nDATA", "a@b c@d", "<a@b>"}) {
    MailToSend mail;
    mail.to = to;
    EXPECT_EQ(transport.deliver(mail).outcome, MailOutcome::refused) << to;
  }
}

TEST(SmtpTransport, NobodyThere) {
  SmtpTransport transport(settings("smtp://127.0.0.1:1"));
  MailToSend mail;
  mail.to = "kim@example.kr";
  EXPECT_EQ(transport.deliver(mail).outcome, MailOutcome::unreachable);
  transport.stop();
  EXPECT_EQ(transport.deliver(mail).outcome, MailOutcome::unreachable);
}

}  // namespace
}  // namespace market::mail
