#include "http/message/media_type.hpp"

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/message.hpp"

namespace market::http {
namespace {

std::string_view take_token(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && ascii::is(text[end], ascii::token)) ++end;
  const auto token = text.substr(0, end);
  text.remove_prefix(end);
  return token;
}

/// A token, or what stands between quotes; empty: neither. A quoted pair keeps its backslash.
std::string_view take_value(std::string_view& text) {
  if (!text.starts_with('"')) return take_token(text);
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return {};
  const auto value = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

std::string_view essence_of(std::string_view type) {
  return trimmed(type.substr(0, type.find(';')));
}

bool is_json_type(std::string_view type) {
  if (type == json_type) return true;
  if (!same_letters(essence_of(type), json_type)) return false;
  auto rest = type.substr(std::min(type.size(), type.find(';')));
  while (!rest.empty()) {
    if (rest.front() != ';') return false;
    rest = trimmed(rest.substr(1));
    if (rest.empty() || rest.front() == ';') continue;  // RFC 9110 5.6.6.
    const auto name = take_token(rest);
    if (name.empty() || !rest.starts_with('=')) return false;
    rest.remove_prefix(1);
    const bool empty = rest.starts_with("\"\"");
    const auto value = take_value(rest);
    if (value.empty() && !empty) return false;
    if (same_letters(name, "charset") && !same_letters(value, "utf-8")) return false;
    rest = trimmed(rest);
  }
  return true;
}

}  // namespace market::http
