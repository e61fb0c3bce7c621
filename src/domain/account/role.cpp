#include "domain/account/role.hpp"

namespace market {

std::string_view text_of(Role role) {
  switch (role) {
    case Role::customer:
      return "customer";
    case Role::seller:
      return "seller";
    case Role::admin:
      return "admin";
  }
  return "customer";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::customer, Role::seller, Role::admin})
    if (text == text_of(role)) return role;
  return std::nullopt;
}

}  // namespace market
