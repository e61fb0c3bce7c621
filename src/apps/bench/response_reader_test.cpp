#include "apps/bench/response_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace market::apps::load {
namespace {

TEST(ResponseReader, reads_an_answer_however_it_is_cut) {
  const std::string first = "HTTP/1.1 201 Created\r\nDate: x\r\ncontent-length: 5\r\n\r\nhello";
  const std::string both = first + "HTTP/1.1 204 No Content\r\n\r\n";
  for (std::size_t cut = 0; cut < first.size(); ++cut) {
    ResponseReader reader;
    ASSERT_EQ(reader.read(std::string_view(both).substr(0, cut)), Reading::incomplete) << cut;
    ASSERT_EQ(reader.read(both), Reading::complete) << cut;
    EXPECT_EQ(reader.answer().status, 201);
    EXPECT_EQ(reader.answer().body, "hello");
    EXPECT_EQ(reader.answer().bytes, first.size());
    EXPECT_FALSE(reader.answer().closes);
    reader.reset();
    ASSERT_EQ(reader.read(std::string_view(both).substr(first.size())), Reading::complete);
    EXPECT_EQ(reader.answer().status, 204);
  }
}

TEST(ResponseReader, reads_chunks_however_they_are_cut) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: "
      "close\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    ResponseReader reader;
    ASSERT_EQ(reader.read(std::string_view(whole).substr(0, cut)), Reading::incomplete) << cut;
    ASSERT_EQ(reader.read(whole), Reading::complete) << cut;
    EXPECT_EQ(reader.answer().bytes, whole.size());
    EXPECT_TRUE(reader.answer().closes);
  }
}

TEST(ResponseReader, says_what_it_cannot_read) {
  for (const char* bytes : {"HTTP/2 200\r\n\r\n", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"}) {
    ResponseReader reader;
    EXPECT_EQ(reader.read(bytes), Reading::broken) << bytes;
  }
  ResponseReader reader;
  EXPECT_EQ(reader.read(std::string(70'000, 'x')), Reading::broken);
}

TEST(ProblemCode, is_found_in_a_problem_document) {
  EXPECT_EQ(problem_code(R"({"type":"/problems/sold-out","code":"sold_out","traceId":"1"})"), "sold_out");
  EXPECT_EQ(problem_code(R"({"code": "closed"})"), "closed");
  EXPECT_EQ(problem_code("{}"), "");
  EXPECT_EQ(problem_code(R"({"code":"cut)"), "");
}

}  // namespace
}  // namespace market::apps::load
