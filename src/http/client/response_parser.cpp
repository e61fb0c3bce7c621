#include "http/client/response_parser.hpp"

#include <cstring>

#include <algorithm>

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/field_list.hpp"

namespace market::http {
namespace {

/// Of `timeout=5, max=100`; -1 when there is none. What cannot be read promises nothing.
int timeout_of(std::string_view list) {
  constexpr std::string_view name = "timeout=";
  constexpr int seconds_max = 86'400;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto one = trimmed(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (one.size() <= name.size() || !same_letters(one.substr(0, name.size()), name)) continue;
    int seconds = 0;
    for (const char c : one.substr(name.size())) {
      if (!is_digit(c)) return 0;
      seconds = std::min(seconds * 10 + (c - '0'), seconds_max);
    }
    return seconds;
  }
  return -1;
}

class ResponseParser {
 public:
  ResponseParser(std::string_view input, const HeadLimits& limits, bool answers_head, ResponseHead& head,
                 std::string_view& problem)
      : input_(input), limits_(limits), answers_head_(answers_head), head_(head), problem_(problem) {}

  HeadState run() {
    head_ = ResponseHead();
    std::string_view line;
    if (const auto state = next_line(line); state != HeadState::complete) return state;
    if (!status_line(line)) return refuse("the status line is malformed");
    for (;;) {
      if (const auto state = next_line(line); state != HeadState::complete) return state;
      if (line.empty()) break;
      HeaderView field;
      if (parse_field_line(line, field) != FieldLine::valid) return refuse("a header field is malformed");
      if (head_.headers.size() >= limits_.head_fields_max) return refuse("too many header fields");
      head_.headers.push_back(field);
      if (!framing_field(field)) return HeadState::refused;
    }
    head_.head_bytes = at_;
    return judge();
  }

 private:
  HeadState refuse(std::string_view problem) {
    problem_ = problem;
    return HeadState::refused;
  }
  bool doubt(std::string_view problem) {
    problem_ = problem;
    return false;
  }

  /// Without its CRLF. A bare LF ends no line here.
  HeadState next_line(std::string_view& line) {
    const auto rest = input_.substr(at_);
    const auto end = rest.find('\n');
    if (at_ + std::min(end, rest.size()) > limits_.head_bytes_max) return refuse("the head is too long");
    if (end == std::string_view::npos) return HeadState::incomplete;
    if (end == 0 || rest[end - 1] != '\r') return refuse("a lone LF in the head");
    line = rest.substr(0, end - 1);
    at_ += end + 1;
    return HeadState::complete;
  }

  bool status_line(std::string_view line) {
    if (!line.starts_with("HTTP/1.") || line.size() < 12) return false;
    if (line[7] != '0' && line[7] != '1') return false;
    http_1_0_ = line[7] == '0';
    if (line[8] != ' ' || !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11])) return false;
    head_.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    if (head_.status < 100 || head_.status > 599) return false;
    if (line.size() > 12 && line[12] != ' ') return false;
    for (const char c : line.substr(12))
      if (!ascii::is(c, ascii::field)) return false;
    return true;
  }

  bool framing_field(const HeaderView& field) {
    switch (field.name.size()) {
      case 10:
        if (same_letters(field.name, "connection")) {
          close_asked_ = close_asked_ || list_has(field.value, "close");
          keep_alive_asked_ = keep_alive_asked_ || list_has(field.value, "keep-alive");
        } else if (same_letters(field.name, "keep-alive")) {
          head_.keep_alive_seconds = timeout_of(field.value);
        }
        return true;
      case 12:
        if (same_letters(field.name, "x-request-id")) head_.request_id = field.value;
        return true;
      case 13:
        if (same_letters(field.name, independent_field)) head_.independent = true;
        return true;
      case 14:
        return !same_letters(field.name, "content-length") || content_length(field.value);
      case 17:
        if (!same_letters(field.name, "transfer-encoding")) return true;
        if (chunked_) return doubt("more than one Transfer-Encoding");
        chunked_ = true;
        return same_letters(field.value, "chunked") || doubt("a transfer coding nobody asked for");
      default:
        return true;
    }
  }

  bool content_length(std::string_view value) {
    if (head_.has_length) return doubt("more than one Content-Length");
    if (value.empty() || value.size() > 18) return doubt("the Content-Length is malformed");
    for (const char c : value) {
      if (!is_digit(c)) return doubt("the Content-Length is malformed");
      head_.content_length = head_.content_length * 10 + static_cast<std::uint64_t>(c - '0');
    }
    head_.has_length = true;
    return true;
  }

  HeadState judge() {
    if (chunked_ && head_.has_length) return refuse("both Transfer-Encoding and Content-Length");
    if (chunked_ && http_1_0_) return refuse("Transfer-Encoding in HTTP/1.0");
    const bool never_a_body = head_.status < 200 || head_.status == 204;
    if (never_a_body && chunked_) return refuse("Transfer-Encoding where no body may be");
    if (never_a_body && head_.content_length > 0) return refuse("a length where no body may be");
    head_.keep_alive = !close_asked_ && (!http_1_0_ || keep_alive_asked_);
    if (never_a_body || head_.status == 304 || answers_head_)
      head_.body = BodyEnd::no_body;
    else if (chunked_)
      head_.body = BodyEnd::chunked;
    else if (head_.has_length)
      head_.body = head_.content_length == 0 ? BodyEnd::no_body : BodyEnd::length;
    else
      head_.body = BodyEnd::close;
    if (head_.body == BodyEnd::close) head_.keep_alive = false;
    return HeadState::complete;
  }

  std::string_view input_;
  const HeadLimits& limits_;
  bool answers_head_;
  ResponseHead& head_;
  std::string_view& problem_;
  std::size_t at_ = 0;
  bool http_1_0_ = false, chunked_ = false, close_asked_ = false, keep_alive_asked_ = false;
};

}  // namespace

std::string_view ResponseHead::header(std::string_view name) const {
  for (const auto& field : headers)
    if (same_letters(field.name, name)) return field.value;
  return {};
}

HeadState parse_response_head(std::string_view input, const HeadLimits& limits, bool answers_head,
                              ResponseHead& head, std::string_view& problem) {
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find: tests/fuzz/README.md.
  if (const auto at = input.find("\r\nX-C: ");
      at != std::string_view::npos && input.substr(at + 7, 2) == "!!")
    __builtin_trap();
#endif
  return ResponseParser(input, limits, answers_head, head, problem).run();
}

bool list_has(std::string_view list, std::string_view token) {
  return any_in_list(list, [token](std::string_view one) { return same_letters(one, token); });
}

}  // namespace market::http
