// The head of an upstream's answer: what is taken has one meaning, wherever it was cut.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/client/response_parser.hpp"

namespace {
using namespace market::http;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view input, bool answers_head) {
  ResponseHead head;
  std::string_view problem;
  const auto state = parse_response_head(input, HeadLimits(), answers_head, head, problem);
  if (state == HeadState::refused) require(!problem.empty());
  if (state != HeadState::complete) return;
  require(head.head_bytes <= input.size() && head.status >= 100 && head.status <= 599);
  const auto text = input.substr(0, head.head_bytes);
  require(text.ends_with("\r\n\r\n"));
  for (std::size_t i = 0; i < text.size(); ++i) require(text[i] != '\n' || (i > 0 && text[i - 1] == '\r'));
  require(head.body != BodyEnd::length || (head.has_length && head.content_length > 0));
  require(head.body != BodyEnd::chunked || !head.has_length);
  require(head.body != BodyEnd::close || !head.keep_alive);
  require(!answers_head || head.body == BodyEnd::no_body);
  ResponseHead again;
  require(parse_response_head(text, HeadLimits(), answers_head, again, problem) == HeadState::complete);
  require(again.body == head.body && again.content_length == head.content_length);
  const auto cut = text.substr(0, text.size() - 1);
  require(parse_response_head(cut, HeadLimits(), answers_head, again, problem) == HeadState::incomplete);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(input, false);
  check(input, true);
  return 0;
}
