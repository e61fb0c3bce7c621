#include "http/message/head_parser.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/field_list.hpp"
#include "http/message/target.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace market::http {
namespace {

/// The first byte that may not stand in a field value. The vector loop serves long values: tokens, user
/// agents.
const char* skip_field_bytes(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i space = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7F);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i printable = _mm_cmpeq_epi8(_mm_max_epu8(bytes, space), bytes);  // >= 0x20, unsigned
    const __m128i bad = _mm_or_si128(_mm_xor_si128(printable, _mm_set1_epi8(-1)), _mm_cmpeq_epi8(bytes, del));
    const int mask = _mm_movemask_epi8(bad);
    if (mask != 0) {
      at += __builtin_ctz(static_cast<unsigned>(mask));
      if (*at != '\t') return at;
      ++at;
    } else {
      at += 16;
    }
  }
#endif
  while (at != end && ascii::is(*at, ascii::field)) ++at;
  return at;
}

struct MethodName {
  std::string_view text;
  Method method;
};
constexpr MethodName method_names[] = {
    {"GET", Method::get},     {"POST", Method::post},  {"HEAD", Method::head},       {"PUT", Method::put},
    {"PATCH", Method::patch}, {"DELETE", Method::del}, {"OPTIONS", Method::options},
};

class HeadParser {
 public:
  HeadParser(std::string_view input, const HeadLimits& limits, Request& request, Framing& framing,
             Refusal& refusal)
      : begin_(input.data()),
        end_(begin_ + input.size()),
        at_(begin_),
        limits_(limits),
        request_(request),
        framing_(framing),
        refusal_(refusal) {}

  HeadState run() {
    request_.headers.clear();
    framing_ = Framing();
    if (at_ != end_ && *at_ == '\r') {  // One empty line before a request is forgiven: RFC 9112 2.2.
      if (end_ - at_ < 2) return HeadState::incomplete;
      if (at_[1] != '\n') return refuse("a lone CR before the request line");
      at_ += 2;
    }
    if (at_ == end_) return HeadState::incomplete;
    if (const auto state = request_line(); state != HeadState::complete) return state;
    for (;;) {
      if (at_ == end_) return incomplete_head();
      if (*at_ == '\r') {
        if (end_ - at_ < 2) return incomplete_head();
        if (at_[1] != '\n') return refuse("a lone CR in the head");
        at_ += 2;
        break;
      }
      if (const auto state = field(); state != HeadState::complete) return state;
    }
    framing_.head_bytes = static_cast<std::size_t>(at_ - begin_);
    if (framing_.head_bytes > limits_.head_bytes_max)
      return refuse(Status::header_too_large, "the head is too long");
    return judge();
  }

 private:
  HeadState refuse(Status status, std::string_view detail) {
    refusal_ = {status, detail};
    return HeadState::refused;
  }
  HeadState refuse(std::string_view detail) { return refuse(Status::bad_request, detail); }

  HeadState incomplete_head() {
    if (static_cast<std::size_t>(end_ - begin_) > limits_.head_bytes_max)
      return refuse(Status::header_too_large, "the head is too long");
    return HeadState::incomplete;
  }

  HeadState request_line() {
    const char* const start = at_;
    while (at_ != end_ && ascii::is(*at_, ascii::token)) ++at_;
    const std::string_view method(start, static_cast<std::size_t>(at_ - start));
    if (at_ == end_) {
      if (method.size() > limits_.request_line_bytes_max)
        return refuse(Status::uri_too_long, "the request line is too long");
      return HeadState::incomplete;
    }
    if (method.empty() || *at_ != ' ') return refuse("the request line is malformed");
    const char* const target_start = ++at_;
    while (at_ != end_ && *at_ > 0x20 && *at_ != 0x7F) ++at_;  // Stops at controls, space and non-ASCII.
    const std::string_view target(target_start, static_cast<std::size_t>(at_ - target_start));
    if (static_cast<std::size_t>(at_ - start) > limits_.request_line_bytes_max)
      return refuse(Status::uri_too_long, "the request line is too long");
    if (at_ == end_) return HeadState::incomplete;
    if (target.empty() || *at_ != ' ') return refuse("the request target is malformed");
    ++at_;
    static constexpr std::string_view shape = "HTTP/d.d\r\n";
    for (const char expected : shape) {
      if (at_ == end_) return HeadState::incomplete;
      if (expected == 'd' ? !is_digit(*at_) : *at_ != expected)
        return refuse("the protocol version is malformed");
      ++at_;
    }
    return understand_request_line(method, target, at_[-5], at_[-3]);
  }

  HeadState understand_request_line(std::string_view method, std::string_view target, char major,
                                    char minor) {
    if (major == '0') return refuse("HTTP/0.9 has no head");
    if (major != '1') return refuse(Status::version_not_supported, "only HTTP/1.0 and HTTP/1.1 are spoken");
    // A higher minor version is one that HTTP/1.1 understands: RFC 9110 2.5.
    framing_.http_1_0 = minor == '0';
    method_known_ = false;
    for (const auto& known : method_names) {
      if (known.text != method) continue;
      request_.method = known.method;
      method_known_ = true;
      break;
    }
    method_standard_ = method == "TRACE" || method == "CONNECT";
    request_.target = target;
    if (!method_known_)
      return HeadState::complete;  // 501 or 405 once the framing is judged; its target may have any form.
    Target parts;
    if (target == "*" && request_.method == Method::options) {
      parts.path = target;
    } else if (!parse_target(target, parts)) {
      return refuse("the request target is malformed");
    }
    request_.path = parts.path;
    request_.query = parts.query;
    authority_ = parts.authority;
    return HeadState::complete;
  }

  HeadState field() {
    const char* const start = at_;
    while (at_ != end_ && ascii::is(*at_, ascii::token)) ++at_;
    if (at_ == end_) return incomplete_head();
    if (at_ == start || *at_ != ':') return refuse("a header name is malformed");
    const std::string_view name(start, static_cast<std::size_t>(at_ - start));
    const char* const value_start = ++at_;
    at_ = skip_field_bytes(at_, end_);
    const char* const value_end = at_;
    if (at_ == end_) return incomplete_head();
    if (*at_ != '\r') return refuse("a header value has a control character or a lone LF");
    if (end_ - at_ < 2) return incomplete_head();
    if (at_[1] != '\n') return refuse("a header value has a lone CR");
    at_ += 2;
    if (static_cast<std::size_t>(at_ - begin_) > limits_.head_bytes_max)
      return refuse(Status::header_too_large, "the head is too long");
    const auto value = trimmed({value_start, static_cast<std::size_t>(value_end - value_start)});
    request_.headers.push_back({name, value});
    if (request_.headers.size() > limits_.head_fields_max &&
        request_.headers.size() > limits_.head_fields_max + hop_fields())
      return refuse(Status::header_too_large, "too many header fields");
    return framing_field(name, value);
  }

  /// Those that a gateway adds, each once: what it let pass must not be too much behind it.
  std::size_t hop_fields() const {
    constexpr std::string_view names[] = {
        "via",          "x-forwarded-for", "x-forwarded-proto",    "x-forwarded-host",
        "x-request-id", "traceparent",     "x-request-timeout-ms", independent_field};
    std::size_t count = 0;
    for (const auto name : names)
      count += std::any_of(request_.headers.begin(), request_.headers.end(),
                           [name](const HeaderView& field) { return same_letters(field.name, name); });
    return count;
  }

  /// The fields that decide where the message ends; all others are left to their readers.
  HeadState framing_field(std::string_view name, std::string_view value) {
    switch (name.size()) {
      case 4:
        if (same_letters(name, "host")) return host(value);
        break;
      case 6:
        if (same_letters(name, "expect")) {
          if (same_letters(value, "100-continue"))
            framing_.expect_continue = true;
          else
            expectation_unknown_ = true;
        }
        break;
      case 10:
        if (same_letters(name, "connection")) connection(value);
        break;
      case 14:
        if (same_letters(name, "content-length")) return content_length(value);
        break;
      case 17:
        if (same_letters(name, "transfer-encoding")) return transfer_encoding(value);
        break;
      default:
        break;
    }
    return HeadState::complete;
  }

  HeadState host(std::string_view value) {
    if (++hosts_ > 1) return refuse("more than one Host");
    if (!is_valid_host(value)) return refuse("the Host is malformed");
    // RFC 9112 3.2.2: or the one in front of us and we would take it for different hosts.
    if (!authority_.empty()) request_.headers.back().value = authority_;
    return HeadState::complete;
  }

  HeadState content_length(std::string_view value) {
    if (++lengths_ > 1) return refuse("more than one Content-Length");
    if (value.empty() || value.size() > 18) return refuse("the Content-Length is malformed");
    for (const char c : value) {
      if (!is_digit(c)) return refuse("the Content-Length is malformed");
      framing_.content_length = framing_.content_length * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return HeadState::complete;
  }

  HeadState transfer_encoding(std::string_view value) {
    if (++codings_ > 1) return refuse("more than one Transfer-Encoding");
    if (same_letters(value, "chunked")) {
      framing_.chunked = true;
      return HeadState::complete;
    }
    // One unknown coding, or some before a final chunked, is well-formed but not spoken here.
    const auto comma = value.rfind(',');
    auto last = comma == std::string_view::npos ? value : value.substr(comma + 1);
    while (!last.empty() && last.front() == ' ') last.remove_prefix(1);
    for (const char c : value)
      if (!ascii::is(c, ascii::token) && c != ',' && c != ' ')
        return refuse("the Transfer-Encoding is malformed");
    const bool final_chunked = same_letters(last, "chunked");
    if (value.empty() || last.empty() || (comma != std::string_view::npos && !final_chunked))
      return refuse("the Transfer-Encoding is malformed");
    coding_unknown_ = true;
    return HeadState::complete;
  }

  void connection(std::string_view list) {
    any_in_list(list, [this](std::string_view token) {
      if (same_letters(token, "close")) close_asked_ = true;
      if (same_letters(token, "keep-alive")) keep_alive_asked_ = true;
      return false;
    });
  }

  /// What only the whole head shows, worst first.
  HeadState judge() {
    if (hosts_ == 0 && !framing_.http_1_0) return refuse("the Host is missing");
    if (codings_ > 0 && lengths_ > 0) return refuse("both Transfer-Encoding and Content-Length");
    if (codings_ > 0 && framing_.http_1_0) return refuse("Transfer-Encoding in HTTP/1.0");
    if (coding_unknown_) return refuse(Status::not_implemented, "only the transfer coding chunked is known");
    if (method_standard_) return refuse(Status::method_not_allowed, "no resource has this method");
    if (!method_known_) return refuse(Status::not_implemented, "the method is not known");
    if (expectation_unknown_ && !framing_.http_1_0)
      return refuse(Status::expectation_failed, "only 100-continue can be expected");
    if (framing_.http_1_0) framing_.expect_continue = false;  // RFC 9110 10.1.1: ignored there.
    framing_.keep_alive = !close_asked_ && (!framing_.http_1_0 || keep_alive_asked_);
    return HeadState::complete;
  }

  const char* begin_;
  const char* end_;
  const char* at_;
  const HeadLimits& limits_;
  Request& request_;
  Framing& framing_;
  Refusal& refusal_;
  std::string_view authority_;
  int hosts_ = 0, lengths_ = 0, codings_ = 0;
  bool method_known_ = false, coding_unknown_ = false, expectation_unknown_ = false;
  bool method_standard_ = false;  ///< Known to HTTP, not to us: 405 rather than 501 (RFC 9110, 15.6.2).
  bool close_asked_ = false, keep_alive_asked_ = false;
};

}  // namespace

HeadState parse_head(std::string_view input, const HeadLimits& limits, Request& request, Framing& framing,
                     Refusal& refusal) {
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find: tests/fuzz/README.md.
  if (const auto at = input.find("\r\nX-C: ");
      at != std::string_view::npos && input.substr(at + 7, 2) == "!!")
    __builtin_trap();
#endif
  return HeadParser(input, limits, request, framing, refusal).run();
}

std::string_view field_of_refused_head(std::string_view input, std::string_view name) {
  std::string_view found;
  int count = 0;
  input.remove_prefix(std::min(input.size(), input.find('\n')));  // The request line; none of it is there.
  while (!input.empty()) {
    input.remove_prefix(1);
    const auto end = input.find('\n');
    if (end == std::string_view::npos) break;
    auto line = input.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    HeaderView field;
    if (parse_field_line(line, field) == FieldLine::valid && same_letters(field.name, name)) {
      found = field.value;
      ++count;
    }
    input.remove_prefix(end);
  }
  return count == 1 ? found : std::string_view();
}

FieldLine parse_field_line(std::string_view line, HeaderView& field) {
  std::size_t name_end = 0;
  while (name_end < line.size() && ascii::is(line[name_end], ascii::token)) ++name_end;
  if (name_end == 0 || name_end == line.size() || line[name_end] != ':') return FieldLine::invalid;
  const char* const value = line.data() + name_end + 1;
  const char* const end = line.data() + line.size();
  if (skip_field_bytes(value, end) != end) return FieldLine::invalid;
  field = {line.substr(0, name_end), trimmed({value, static_cast<std::size_t>(end - value)})};
  return FieldLine::valid;
}

}  // namespace market::http
