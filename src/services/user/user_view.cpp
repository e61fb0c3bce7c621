#include "services/user/user_view.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "wire/json/json.hpp"

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
  constexpr std::size_t bytes_max = 254, label_max = 63;
  constexpr std::string_view local_signs = ".!#$%&'*+/=?^_`{|}~-";
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto at = text.find('@');
  if (text.size() > bytes_max || at == 0 || at == std::string_view::npos) return false;
  for (const char c : text.substr(0, at))
    if (!is_letter(c) && local_signs.find(c) == std::string_view::npos) return false;
  std::size_t labels = 0;
  for (std::string_view rest = text.substr(at + 1);; ++labels) {
    const auto label = rest.substr(0, rest.find('.'));
    const bool whole =
        !label.empty() && label.size() <= label_max && is_letter(label.front()) && is_letter(label.back()) &&
        std::all_of(label.begin(), label.end(), [&](char c) { return is_letter(c) || c == '-'; });
    if (!whole) return false;
    if (label.size() == rest.size()) return labels > 0;
    rest.remove_prefix(label.size() + 1);
  }
}

std::string device_of(std::string_view user_agent) {
  return printable(user_agent, 200);
}

}  // namespace market::user
