#include "services/user/account_requests.hpp"

#include <fmt/format.h>

#include "services/user/user_view.hpp"

namespace market::user {

std::string client_of(bool addresses_known, const http::Request& request) {
  return addresses_known ? limit_address(request.remote_address) : std::string();
}

std::vector<GuessLimiter::Limit> address_limit(std::string_view what, const std::string& client,
                                               GuessLimiter::Rate rate) {
  if (client.empty()) return {};
  return {{fmt::format("{}:{}", what, client), rate}};
}

std::string read_email(wire::ObjectReader& reader) {
  std::string email = reader.text("email", 3, 254);
  if (!email.empty() && !is_email(email)) reader.refuse("email", "format", "must be an e-mail address");
  return email;
}

}  // namespace market::user
