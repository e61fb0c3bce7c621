#include "services/user/user_view.hpp"

#include <algorithm>

#include "wire/json.hpp"

namespace market::user {
namespace {

void append_optional(std::string& out, const std::optional<std::string>& text) {
  if (text)
    wire::append_json_string(out, *text);
  else
    out += "null";
}

}  // namespace

void append_user(std::string& out, const Account& account) {
  out += "{\"id\":\"";
  out += account.id.text();
  out += "\",\"email\":";
  wire::append_json_string(out, account.email);
  out += ",\"name\":";
  wire::append_json_string(out, account.name);
  out += ",\"phone\":";
  append_optional(out, account.phone);
  out += ",\"address\":";
  append_optional(out, account.address);
  out += ",\"role\":\"";
  out += text_of(account.role);
  out += "\",\"emailVerified\":";
  out += account.email_verified ? "true" : "false";
  out += ",\"createdAt\":\"";
  out += format_rfc3339(account.created_at);
  out += "\"}";
}

bool is_email(std::string_view text) {
  const auto at = text.find('@');
  if (text.size() > 254 || at == 0 || at == std::string_view::npos || at > 64) return false;
  const std::string_view domain = text.substr(at + 1);
  const bool sane = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '"' || c == '<' || c == '>' ||
           c == ',' || c == '\\';
  });
  return sane && domain.find('@') == std::string_view::npos && domain.find('.') != std::string_view::npos &&
         domain.front() != '.' && domain.back() != '.' && domain.find("..") == std::string_view::npos;
}

}  // namespace market::user
