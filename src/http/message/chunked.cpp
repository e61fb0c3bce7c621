#include "http/message/chunked.hpp"

#include <algorithm>

#include "http/message/ascii.hpp"

namespace market::http {
namespace {

constexpr std::size_t line_bytes_max = 1024;
constexpr std::size_t extension_bytes_max =
    4096;  ///< Of one message: nobody uses them but to waste our time.
constexpr std::size_t trailer_bytes_max = 4096;

/// Fields that change framing, routing, authentication or content never count in a trailer: RFC 9110 6.5.1.
constexpr std::string_view forbidden_trailers[] = {
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "idempotency-key",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
};

}  // namespace

ChunkedDecoder::State ChunkedDecoder::refuse(Status status, std::string_view detail) {
  refusal_ = {status, detail};
  return State::refused;
}

ChunkedDecoder::State ChunkedDecoder::take_line(std::string_view input, std::size_t& at) {
  while (at < input.size()) {
    const char c = input[at++];
    if (c == '\n') {
      if (line_.empty() || line_.back() != '\r') return refuse("a lone LF in the chunked body");
      line_.pop_back();
      return State::done;
    }
    if (!line_.empty() && line_.back() == '\r') return refuse("a lone CR in the chunked body");
    if (c != '\r' && !ascii::is(c, ascii::field)) return refuse("a control character in the chunked body");
    if (line_.size() >= line_bytes_max) return refuse("a line of the chunked body is too long");
    line_ += c;
  }
  return State::more;
}

/// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), without the BWS that nobody may send.
bool ChunkedDecoder::valid_extensions(std::string_view text) const {
  std::size_t i = 0;
  const auto token = [&] {
    const auto start = i;
    while (i < text.size() && ascii::is(text[i], ascii::token)) ++i;
    return i > start;
  };
  while (i < text.size()) {
    if (text[i++] != ';' || !token()) return false;
    if (i == text.size() || text[i] != '=') continue;
    ++i;
    if (i == text.size() || text[i] != '"') {
      if (!token()) return false;
      continue;
    }
    for (++i; i < text.size() && text[i] != '"'; ++i)
      if (text[i] == '\\' && ++i == text.size()) return false;
    if (i == text.size()) return false;
    ++i;
  }
  return true;
}

ChunkedDecoder::State ChunkedDecoder::size_line() {
  std::size_t digits = 0;
  std::uint64_t size = 0;
  for (; digits < line_.size(); ++digits) {
    const int value = hex_value(line_[digits]);
    if (value < 0) break;
    if (digits == 16) return refuse("a chunk size is malformed");
    size = size * 16 + static_cast<std::uint64_t>(value);
  }
  if (digits == 0) return refuse("a chunk size is malformed");
  const std::string_view extensions = std::string_view(line_).substr(digits);
  extension_bytes_ += extensions.size();
  if (!valid_extensions(extensions)) return refuse("a chunk extension is malformed");
  if (extension_bytes_ > extension_bytes_max) return refuse("the chunk extensions are too long");
  if (size > body_bytes_max_ - body_bytes_) return refuse(Status::payload_too_large, "the body is too large");
  chunk_left_ = size;
  at_ = size == 0 ? At::trailers : At::data;
  line_.clear();
  return State::more;
}

ChunkedDecoder::State ChunkedDecoder::trailer_line(bool& last) {
  last = line_.empty();
  if (last) return State::done;
  trailer_bytes_ += line_.size() + 2;
  if (trailer_bytes_ > trailer_bytes_max)
    return refuse(Status::header_too_large, "the trailer section is too long");
  HeaderView field;
  if (parse_field_line(line_, field) != FieldLine::valid) return refuse("a trailer field is malformed");
  for (const auto name : forbidden_trailers)
    if (same_letters(name, field.name)) return refuse("a field that may not stand in a trailer section");
  line_.clear();
  return State::more;
}

ChunkedDecoder::State ChunkedDecoder::feed(std::string_view input, std::string& body, std::size_t& used) {
  used = 0;
  while (used < input.size()) {
    switch (at_) {
      case At::data: {
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size() - used));
        body.append(input.substr(used, take));
        body_bytes_ += take;
        chunk_left_ -= take;
        used += take;
        if (chunk_left_ == 0) at_ = At::data_cr;
        break;
      }
      case At::data_cr:
        if (input[used++] != '\r') return refuse("a chunk is longer than its size says");
        at_ = At::data_lf;
        break;
      case At::data_lf:
        if (input[used++] != '\n') return refuse("a chunk is longer than its size says");
        at_ = At::size_line;
        break;
      case At::size_line: {
        if (const auto state = take_line(input, used); state != State::done) return state;
        if (size_line() == State::refused) return State::refused;
        break;
      }
      case At::trailers: {
        if (const auto state = take_line(input, used); state != State::done) return state;
        bool last = false;
        const auto state = trailer_line(last);
        if (state == State::refused || last) return state;
        break;
      }
    }
  }
  return State::more;
}

}  // namespace market::http
