// The parser path of a connection: head, then body. Whatever the cuts, the answer is the same, and a head
// that was taken has nothing in it that a strict reader would refuse.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/message/chunked.hpp"
#include "http/message/head_parser.hpp"
#include "http/message/target.hpp"

namespace {
using namespace market::http;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_head(std::string_view head, const Request& request, const Framing& framing) {
  require(framing.head_bytes <= head.size());
  head = head.substr(0, framing.head_bytes);
  require(head.ends_with("\r\n\r\n"));
  for (std::size_t i = 0; i < head.size(); ++i) {
    require(head[i] != '\n' || (i > 0 && head[i - 1] == '\r'));
    require(head[i] != '\r' || (i + 1 < head.size() && head[i + 1] == '\n'));
    require(head[i] != '\0');
  }
  require(!(framing.chunked && framing.content_length > 0));
  require(!(framing.chunked && framing.http_1_0));
  require(framing.http_1_0 || request.headers.size() > 0);
  for (const auto& field : request.headers) {
    require(!field.name.empty() && field.name.find(' ') == std::string_view::npos);
    require(field.name.data() >= head.data() &&
            field.value.data() + field.value.size() <= head.data() + head.size());
  }
  std::string decoded;
  require(percent_decode(request.path, false, decoded));
}

void check_body(std::string_view input, std::size_t step) {
  ChunkedDecoder whole(4096), cut(4096);
  std::string body_whole, body_cut;
  std::size_t used_whole = 0, at = 0;
  const auto state_whole = whole.feed(input, body_whole, used_whole);
  auto state_cut = ChunkedDecoder::State::more;
  while (state_cut == ChunkedDecoder::State::more && at < input.size()) {
    std::size_t used = 0;
    state_cut = cut.feed(input.substr(at, step), body_cut, used);
    at += used;
  }
  require(state_whole == state_cut && body_whole == body_cut && used_whole == at &&
          body_whole.size() <= 4096);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Request request;
  Framing framing;
  Refusal refusal;
  const auto state = parse_head(input, HeadLimits(), request, framing, refusal);
  if (state == HeadState::complete) {
    check_head(input, request, framing);
    Request again;
    Framing framing_again;
    const auto exact = input.substr(0, framing.head_bytes);
    require(parse_head(exact, HeadLimits(), again, framing_again, refusal) == HeadState::complete);
    require(parse_head(exact.substr(0, exact.size() - 1), HeadLimits(), again, framing_again, refusal) ==
            HeadState::incomplete);
    if (framing.chunked) check_body(input.substr(framing.head_bytes), 1 + size % 7);
  } else if (state == HeadState::refused) {
    require(static_cast<int>(refusal.status) >= 400 && !refusal.detail.empty());
  }
  check_body(input, 1 + size % 5);
  return 0;
}
