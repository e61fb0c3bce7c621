#include "http/message/trace.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <random>

#include "http/message/ascii.hpp"

namespace market::http {
namespace {

bool is_lower_hex(std::string_view text) {
  for (const char c : text)
    if (!is_digit(c) && (c < 'a' || c > 'f')) return false;
  return true;
}

bool is_all_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

void write_hex(std::uint64_t value, char* out) {
  static constexpr auto pairs = [] {
    std::array<std::array<char, 2>, 256> table{};
    constexpr char digits[] = "0123456789abcdef";
    for (std::size_t byte = 0; byte < table.size(); ++byte)
      table[byte] = {digits[byte >> 4], digits[byte & 15]};
    return table;
  }();
  for (int at = 14; at >= 0; at -= 2, value >>= 8) std::memcpy(out + at, pairs[value & 255].data(), 2);
}

TraceIds::TraceIds() {
  std::random_device device;
  for (auto& word : state_) word = (static_cast<std::uint64_t>(device()) << 32) | device();
}

std::uint64_t TraceIds::next() {
  auto& s = state_;
  const std::uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

std::string_view trace_id_of(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  const auto version = text.substr(0, 2), trace = text.substr(3, 32), parent = text.substr(36, 16);
  if (!is_lower_hex(version) || !is_lower_hex(trace) || !is_lower_hex(parent) ||
      !is_lower_hex(text.substr(53, 2)))
    return {};
  if (version == "ff" || is_all_zero(trace) || is_all_zero(parent)) return {};
  if (text.size() > 55 && (version == "00" || text[55] != '-')) return {};
  return trace;
}

bool is_sane_request_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text)
    if (!is_alpha(c) && !is_digit(c) && c != '.' && c != '_' && c != '-') return false;
  return true;
}

void TraceContext::take(Request& request, TraceIds& ids) {
  request.request_id = {};
  request.trace_id = {};
  for (const auto& header : request.headers) {
    if (header.name.size() == 12 && same_letters(header.name, "x-request-id") &&
        is_sane_request_id(header.value))
      request.request_id = header.value;
    else if (header.name.size() == 11 && same_letters(header.name, "traceparent"))
      request.trace_id = trace_id_of(header.value);
  }
  if (!request.request_id.empty() && !request.trace_id.empty()) return;
  write_hex(ids.next(), fresh_.data());
  write_hex(ids.next() | 1, fresh_.data() + 16);
  const std::string_view fresh(fresh_.data(), fresh_.size());
  if (request.trace_id.empty()) request.trace_id = fresh;
  if (request.request_id.empty()) request.request_id = fresh.substr(0, 16);
}

}  // namespace market::http
