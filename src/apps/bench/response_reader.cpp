#include "apps/bench/response_reader.hpp"

#include <strings.h>

#include <charconv>

namespace market::apps::load {
namespace {

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool parse(std::string_view text, std::size_t& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end != text.data();
}

}  // namespace

Reading ResponseReader::read(std::string_view buffered) {
  if (head_bytes_ == 0) {
    const Reading head = read_head(buffered);
    if (head != Reading::complete) return head;
  }
  if (chunked_) return read_chunks(buffered);
  if (buffered.size() < head_bytes_ + body_bytes_) return Reading::incomplete;
  answer_.bytes = head_bytes_ + body_bytes_;
  answer_.body = buffered.substr(head_bytes_, body_bytes_);
  return Reading::complete;
}

Reading ResponseReader::read_head(std::string_view buffered) {
  const std::size_t end = buffered.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return buffered.size() > 64 * 1024 ? Reading::broken : Reading::incomplete;
  std::size_t status = 0;
  if (!buffered.starts_with("HTTP/1.") || buffered[8] != ' ' || !parse(buffered.substr(9, 3), status, 10))
    return Reading::broken;
  answer_.status = static_cast<int>(status);
  answer_.closes = buffered[7] == '0';
  bool has_length = status == 204 || status == 304;
  std::size_t line = buffered.find("\r\n") + 2;
  while (line < end) {
    const std::size_t line_end = buffered.find("\r\n", line);
    if (!read_field(buffered.substr(line, line_end - line))) return Reading::broken;
    has_length = has_length || body_bytes_ > 0 || same(buffered.substr(line, 15), "Content-Length:");
    line = line_end + 2;
  }
  if (!has_length && !chunked_)
    return Reading::broken;  // Only closing would end it: no keep-alive server does so.
  head_bytes_ = end + 4;
  return Reading::complete;
}

bool ResponseReader::read_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (same(name, "Content-Length")) return parse(value, body_bytes_, 10);
  if (same(name, "Transfer-Encoding")) chunked_ = same(value, "chunked");
  if (same(name, "Connection") && same(value, "close")) answer_.closes = true;
  return true;
}

Reading ResponseReader::read_chunks(std::string_view buffered) {
  std::size_t at = head_bytes_;
  while (true) {
    const std::size_t line_end = buffered.find("\r\n", at);
    if (line_end == std::string_view::npos) return Reading::incomplete;
    std::size_t size = 0;
    if (!parse(buffered.substr(at, line_end - at), size, 16)) return Reading::broken;
    at = line_end + 2 + size + 2;  // Assumes no trailer fields.
    if (at > buffered.size()) return Reading::incomplete;
    if (size > 0) continue;
    answer_.bytes = at;
    answer_.body = buffered.substr(head_bytes_, at - head_bytes_);
    return Reading::complete;
  }
}

std::string_view problem_code(std::string_view body) {
  constexpr std::string_view member = "\"code\":";
  std::size_t at = body.find(member);
  if (at == std::string_view::npos) return {};
  at = body.find('"', at + member.size());
  if (at == std::string_view::npos) return {};
  const std::size_t end = body.find('"', at + 1);
  return end == std::string_view::npos ? std::string_view() : body.substr(at + 1, end - at - 1);
}

}  // namespace market::apps::load
