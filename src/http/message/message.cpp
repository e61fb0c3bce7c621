#include "http/message/message.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "http/message/ascii.hpp"
#include "http/message/client_address.hpp"
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
  if (!remote_is_loopback || http_1_0) return false;  // nginx's proxy_pass speaks HTTP/1.0, and says no more.
  return !has_header("X-Forwarded-For") && !has_header("Forwarded") && !has_header("Via") &&
         !has_header("X-Real-IP") && !has_header("X-Forwarded-Host") && !has_header("X-Forwarded-Proto");
}

bool Request::has_loopback_host() const {
  auto host = header("Host");
  if (host.empty()) return true;
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  host = host.substr(0, host.rfind(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  if (same_letters(host, "localhost")) return true;
  AddressBytes bytes;
  return parse_ip(host, bytes) && bytes[12] == 127;  // IPv4: an IPv6 address has brackets here.
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

Result<> Request::expect_query(std::span<const std::string_view> names) const {
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
