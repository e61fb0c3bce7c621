#include "http/message/status_line.hpp"

#include <gtest/gtest.h>

#include "http/message/reply_writer.hpp"

namespace market::http {
namespace {

std::string line_of(int code) {
  std::string text;
  {
    HeadText out(text, 100);
    append_status_line(out, static_cast<Status>(code));
  }
  return text;
}

TEST(StatusLine, HasTheWordsOfTheCodeOrNone) {
  EXPECT_EQ(line_of(200), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(line_of(422), "HTTP/1.1 422 Unprocessable Content\r\n");
  EXPECT_EQ(line_of(508), "HTTP/1.1 508 Loop Detected\r\n");
  EXPECT_EQ(line_of(299), "HTTP/1.1 299 \r\n") << "RFC 9112 4: the blank is there without words too";
}

TEST(StatusLine, IsThatOfEveryAnswer) {
  StandardLines standard;
  standard.set_time(Instant(Millis(0)));
  for (int code = 200; code < 600; ++code) {
    Reply reply;
    reply.status = static_cast<Status>(code);
    std::string head;
    append_head(head, reply, {}, standard);
    EXPECT_TRUE(head.starts_with(line_of(code))) << head;
  }
}

}  // namespace
}  // namespace market::http
