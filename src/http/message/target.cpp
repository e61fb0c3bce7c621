#include "http/message/target.hpp"

#include <arpa/inet.h>

#include "http/message/ascii.hpp"

namespace market::http {
namespace {

/// Every character of the class, and every '%' followed by two hex digits.
bool all_of_class(std::string_view text, int what) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!ascii::is(text[i], what)) return false;
    if (text[i] != '%') continue;
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return false;
    i += 2;
  }
  return true;
}

bool is_valid_port(std::string_view port) {
  if (port.size() > 5) return false;
  int value = 0;
  for (const char c : port) {
    if (!is_digit(c)) return false;
    value = value * 10 + (c - '0');
  }
  return value <= 65535;  // Empty is allowed by the grammar: the scheme's own port.
}

bool is_ipv6(std::string_view text) {
  char zero_ended[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof zero_ended) return false;
  text.copy(zero_ended, text.size());
  zero_ended[text.size()] = '\0';
  in6_addr address{};
  return inet_pton(AF_INET6, zero_ended, &address) == 1;
}

}  // namespace

bool is_valid_host(std::string_view text) {
  if (text.empty() || text.size() > 261) return false;
  std::string_view rest;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
    rest = text.substr(close + 1);
  } else {
    std::size_t end = 0;
    while (end < text.size() && ascii::is(text[end], ascii::host)) ++end;
    if (end == 0) return false;
    rest = text.substr(end);
  }
  return rest.empty() || (rest.front() == ':' && is_valid_port(rest.substr(1)));
}

bool parse_target(std::string_view text, Target& target) {
  if (text.empty()) return false;
  if (text.front() != '/') {
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return false;
    const auto scheme = text.substr(0, scheme_end);
    if (!same_letters(scheme, "http") && !same_letters(scheme, "https")) return false;
    text.remove_prefix(scheme_end + 3);
    const auto authority_end = text.find_first_of("/?");
    const auto authority = text.substr(0, authority_end);
    if (!is_valid_host(authority)) return false;  // Refuses user information too.
    target.authority = authority;
    text.remove_prefix(authority.size());
  }
  const auto question = text.find('?');
  target.path = text.substr(0, question);
  target.query = question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
  if (!all_of_class(target.path, ascii::path) || !all_of_class(target.query, ascii::query)) return false;
  if (target.path.empty()) target.path = "/";  // Of an absolute-form only.
  return true;
}

bool percent_decode(std::string_view text, bool plus_is_space, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return true;
}

}  // namespace market::http
