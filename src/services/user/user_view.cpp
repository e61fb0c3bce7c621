#include "services/user/user_view.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace market::user {

void append_user_members(wire::JsonWriter& json, const Account& account) {
  json.member("id", account.id.text()).member("email", account.email).member("name", account.name);
  json.member("phone", account.phone)
      .member("address", account.address)
      .member("role", text_of(account.role));
  json.member("emailVerified", account.email_verified).member("createdAt", account.created_at);
}

void append_user(wire::JsonWriter& json, const Account& account) {
  append_user_members(json.begin_object(), account);
  json.end_object();
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
