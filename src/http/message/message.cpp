#include "http/message/message.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "http/message/ascii.hpp"
#include "http/message/target.hpp"
#include "wire/json/json.hpp"
#include "wire/json/unicode.hpp"

namespace market::http {

std::string_view Request::header(std::string_view name) const {
  for (const auto& header : headers)
    if (same_letters(header.name, name)) return header.value;
  return {};
}

std::optional<std::string_view> Request::only_header(std::string_view name) const {
  const HeaderView* found = nullptr;
  for (const auto& header : headers) {
    if (!same_letters(header.name, name)) continue;
    if (found) return std::nullopt;
    found = &header;
  }
  return found ? std::optional(found->value) : std::nullopt;
}

bool Request::has_header(std::string_view name) const {
  for (const auto& header : headers)
    if (same_letters(header.name, name)) return true;
  return false;
}

bool Request::is_from_this_machine() const {
  return remote_is_loopback && !has_header("X-Forwarded-For") && !has_header("Forwarded");
}

Result<std::optional<std::string>> Request::query_parameter(std::string_view name) const {
  std::optional<std::string> found;
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto equals = pair.find('=');
    std::string key;
    if (!percent_decode(pair.substr(0, equals), true, key)) continue;  // Cannot be ours.
    if (key != name) continue;
    if (found)
      return invalid_field(std::string(name), "duplicate", fmt::format("{} stands twice in the query", name));
    std::string value;
    if (equals != std::string_view::npos && !percent_decode(pair.substr(equals + 1), true, value))
      return invalid_field(std::string(name), "format",
                           fmt::format("{} is not percent-encoded rightly", name));
    if (!wire::is_utf8(value) || value.find('\0') != std::string::npos)
      return invalid_field(std::string(name), "format", fmt::format("{} must be UTF-8 without NUL", name));
    found = std::move(value);
  }
  return found;
}

Result<> Request::expect_query(std::initializer_list<std::string_view> names) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    std::string key;
    const bool known = percent_decode(pair.substr(0, pair.find('=')), true, key) &&
                       std::find(names.begin(), names.end(), key) != names.end();
    if (!known)
      return invalid_field(std::string(wire::shown_name(key)), "unknown",
                           "the query has a parameter that is not known here");
  }
  return {};
}

}  // namespace market::http
